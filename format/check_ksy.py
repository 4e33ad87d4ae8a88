#!/usr/bin/env python3
"""Compares what the compiled *.ksy read in files with what `tracekeep inspect --json` says.

    check_ksy.py MODULES TRACEKEEP FILE...

MODULES is the folder that ksy_to_python.js wrote, TRACEKEEP the command. Over all files every
encoding of a column must have occurred. Needs `kaitaistruct` and `zstandard` from PyPI.
"""

import json
import subprocess
import sys
import types

import zstandard

M64 = (1 << 64) - 1
HEADER, FOOTER = 64, 128

ENCODINGS = {
    "int constant", "int bits", "int classes", "int classes raw", "int values",
    "codes constant", "codes bits", "codes classes", "records bits",
    "text constant", "text pattern", "text forms", "paged", "duration",
    "literal", "uuid", "uuid_of_one_version", "hex", "upper_hex", "decimal", "padded", "word",
}


class ZstdFrame:
    """S1.10, as the generated modules ask for it."""

    def decode(self, data):
        return zstandard.ZstdDecompressor(self.vocabulary).decompress(data)


def first_page(folded):
    """S10.7: the vocabulary as a dictionary, where `folded` are the dictionaries."""
    if not folded.pages:
        return None
    page, stored = folded.pages[0], folded.stored[0]
    is_raw = page.len_raw.value == page.len_stored.value
    raw = stored if is_raw else zstandard.ZstdDecompressor().decompress(stored)
    return zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


class Unfold:
    """S17.12: the raw bytes of folded ones."""

    def decode(self, data):
        from kaitaistruct import BytesIO, KaitaiStream

        import segment

        folded = segment.Segment.Folded(KaitaiStream(BytesIO(data)))
        raw, first = b"", None
        for page, stored in zip(folded.pages, folded.stored):
            same("the length of a page", len(stored), page.len_stored.value)
            is_raw = page.len_raw.value == page.len_stored.value
            raw += stored if is_raw else zstandard.ZstdDecompressor(first).decompress(stored)
            first = first or first_page(folded)
        same("the raw bytes", len(raw), sum(page.len_raw.value for page in folded.pages))
        return raw


def same(what, found, said):
    """Stops at a difference."""
    if found != said:
        sys.exit(f"{what}: the description reads {found!r}, inspect says {said!r}")


def stream(data):
    from kaitaistruct import BytesIO, KaitaiStream

    return KaitaiStream(BytesIO(data))


def signed(value):
    value &= M64
    return value - (1 << 64) if value >> 63 else value


def name(value):
    """An enum's name as inspect spells it."""
    return value.name.replace("_", " ")


class Checker:
    """Compares files, and remembers which encodings there were."""

    def __init__(self, modules, command):
        sys.modules["zstd_frame"] = types.SimpleNamespace(ZstdFrame=ZstdFrame)
        sys.modules["unfold"] = types.SimpleNamespace(Unfold=Unfold)
        sys.path.insert(0, modules)
        import ids, log, manifest, models, runs, segment  # noqa: E401

        self.modules = types.SimpleNamespace(
            ids=ids.Ids, log=log.Log, manifest=manifest.Manifest, models=models.Models,
            runs=runs.Runs, segment=segment.Segment,
        )
        self.command, self.seen = command, set()

    def inspect(self, path, *more):
        arguments = [self.command, "--json", "inspect", path, *more]
        return json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)

    def check(self, path):
        said = self.inspect(path)
        getattr(self, said["kind"])(path, said)

    def ids(self, path, said):
        file = self.modules.ids.from_file(path)
        same("bits", file.filter.len_bits * 8, said["bits"])
        same("hash functions", file.filter.hash_functions, said["hashFunctions"])

    def log(self, path, said):
        file = self.modules.log.from_file(path)
        same("number", file.number, said["number"])
        same("first sequence", file.first_sequence, said["firstSequence"])
        marks = [slot.mark.synced_end for slot in file.marks if slot.mark.number == file.number]
        same("synced end", max(marks, default=4096), said["syncedEnd"])
        offset, sequences = 4096, []
        for frame in file.frames:
            if frame.is_whole and offset < said["end"]:
                sequences.append((frame.sequence, offset, frame.len_payload + 24))
                offset += frame.len_payload + 24
        told = [(frame["sequence"], frame["offset"], frame["bytes"]) for frame in said["frames"]]
        same("frames", sequences, told)

    def manifest(self, path, said):
        offset, records = 16, []
        for record in self.modules.manifest.from_file(path).records:
            if not record.is_whole:
                break
            by_code = lambda code: [o for o in record.payload.operations if o.code.value == code]
            added = [operation.number.value for operation in by_code(3)]
            for operation in by_code(3):
                same("a summary", operation.len_summary.value, 64)
            removed = [operation.id_segment.value for operation in by_code(1)]
            kind = record.payload.kind.name
            records.append((offset, record.catalog_version, kind, added, removed, len(by_code(2))))
            offset += 16 + record.len_payload
        keys = ("offset", "version", "kind", "added", "removed", "dropped")
        same("records", records, [tuple(record[key] for key in keys) for record in said["records"]])

    def segment(self, path, said):
        file = self.modules.segment.from_file(path)
        footer = file.footer
        same("spans", (footer.spans, footer.traces), (said["spans"], said["traces"]))
        same("file bytes", footer.len_file, said["bytes"])
        same("rows of a block", footer.block_rows, said["blockRows"])
        for other in (file.footer_before, file.footer_first):
            same("a footer", other.crc32, footer.crc32)
        self.parts(file, said)
        sections = {entry.kind: entry for entry in file.directory}
        table = [(name(kind), entry.ofs_file, entry.len) for kind, entry in sections.items()]
        told = [(part["name"], part["offset"], part["bytes"]) for part in said["sections"]]
        same("sections", [(plain(kind), *rest) for kind, *rest in table],
             [(plain(kind), *rest) for kind, *rest in told])
        kinds = self.modules.segment.Kind
        # The descriptions leave the dictionary of frames to the caller, too.
        ZstdFrame.vocabulary = first_page(sections[kinds.dictionaries].folded)
        self.sections(sections, kinds, said)
        self.blocks(path, file, sections, kinds, said)

    def parts(self, file, said):
        footer = file.footer
        area_end = footer.ofs_area + footer.len_area
        tables = area_end + file.len_parity
        table = 4 * (file.granules + 2)
        begins = [
            0, HEADER, footer.ofs_pages, footer.ofs_area - FOOTER, footer.ofs_area, area_end,
            tables, tables + table, tables + 2 * table, tables + 2 * table + FOOTER,
        ]
        same("parts", begins, [part["offset"] for part in said["parts"]])
        first, second = file.crc_tables
        same("the crc tables", (first.granules, first.crc32), (second.granules, second.crc32))
        same("granules", len(first.granules), file.granules)

    def sections(self, sections, kinds, said):
        contexts = sections[kinds.resources_and_scopes].contexts
        counts = contexts.resources.value, contexts.scopes.value
        same("contexts", counts, (said["resources"], said["scopes"]))
        traces = sections[kinds.trace_table].trace_table
        same("traces", traces.traces.value, said["traces"])
        rows = [page.first_rows.last for page in traces.pages]
        same("rows of the trace table", rows[-1] if rows else 0, said["spans"])
        index = sections[kinds.tag_index].tag_index
        same("keys", index.directory.names.len_texts.value, len(said["keys"]))
        texts = sections[kinds.dictionaries].dictionaries.dictionaries
        told = [part["distinct"] for key in said["keys"] for part in key["parts"]
                if part["kind"] == "string" and part["form"] in ("values", "dictionary")]
        same("dictionaries", [dictionary.len_texts.value for dictionary in texts], told)
        zones = sections[kinds.zone_maps].zone_maps
        same("zones", zones.errors.count.value, len(said["blocks"]))
        longest = [zones.max_duration.base.value + zones.max_duration.step.value * low.value
                   for low in zones.max_duration.body.low] if said["blocks"] else []
        if said["blocks"] and not zones.max_duration.exceptions.value:
            same("longest durations", longest,
                 [int(block["maxDurationNanos"]) for block in said["blocks"]])
        same("the id filter", sections[kinds.bloom_filter].bloom_filter.version, 1)
        same("entries", sections[kinds.trace_id_index].trace_id_index.entries.count.value,
             said["traces"])
        for kind in (kinds.operations, kinds.peaks, kinds.statistics, kinds.sketches):
            same(f"{kind.name} is there", isinstance(sections[kind].content, bytes), True)

    def blocks(self, path, file, sections, kinds, said):
        models = sections[kinds.models].models
        same("templates", len(models.templates), len(said["templates"]))
        for template, told in zip(models.templates, said["templates"]):
            columns = [self.encoding(column, models) for column in template.columns]
            same("the encodings of a template", columns,
                 [column["encoding"] for column in told["columns"]])
            skeleton = models.skeletons[template.index]
            if skeleton.len.value:
                same("a name", skeleton.skeleton.name.value, told["name"])
                keys = [attribute.key.value for attribute in skeleton.skeleton.attributes.items]
                same("keys", keys, told["keys"])
        begin = HEADER
        for number, end in enumerate(sections[kinds.block_directory].block_directory.ends):
            end, told = HEADER + end.value, said["blocks"][number]
            same("a block", (begin, end - begin), (told["offset"], told["bytes"]))
            file._io.seek(begin)
            data = file._io.read_bytes(end - begin)
            block = self.modules.segment.Block(len(models.durations), stream(data))
            same("its rows", block.rows, told["rows"])
            self.runs(data, block, models, self.inspect(path, "--block", str(number))["runs"])
            begin = end
        same("the pages", begin, file.footer.ofs_pages)

    def runs(self, data, block, models, runs):
        durations = [run for run in runs if run["template"] is None]
        rows = [count.count.value for count in block.durations.counts]
        same("the rows of durations", rows, [run["rows"] for run in durations])
        begin = len(block.len_durations.bytes)
        end = begin + block.len_durations.value
        self.stretch(data, models, durations, end - len(block.durations.runs), end)
        runs = runs[len(durations):]
        self.stretch(data, models, runs, runs[0]["bit"] // 8, len(data) - 4)

    def stretch(self, data, models, runs, begin, end):
        """Runs that follow each other from one byte to another."""
        at = begin * 8
        for run in runs:
            same("where a run begins", run["bit"], at)
            at += run["bits"]
            if run["template"] is None:
                ints = models.durations[run["column"]]
            else:
                column = models.templates[run["template"]].columns[run["column"]]
                if not hasattr(column, "ints"):
                    continue
                ints = column.ints
            read = self.modules.runs(ints, run["bit"], run["rows"], stream(data))
            values = [self.value(ints, value) for value in read.values]
            same(f"the values of {run['field']}", values, [int(value) for value in run["values"]])
        same("the end of the runs", (at + 7) // 8, end)

    def value(self, model, value):
        """What a number of a run means: S12.1 to S12.6."""
        ints = self.modules.models.IntTag
        if model.tag == ints.dictionary:
            return model.values[self.value(model.codes, value)].signed
        if model.tag == ints.constant:
            return signed(model.constant.signed)
        number = value.number.value
        if value.is_raw:
            return signed(number)
        return signed(model.base.signed + number * model.step.value)

    def encoding(self, column, models):
        """A column's encoding in the words of inspect."""
        kinds = self.modules.models.ColumnTag
        if column.tag == kinds.duration:
            number = column.duration.value
            _, numbers = self.numbers(models.durations[number])
            return self.saw("duration", f"durations {number}, {numbers}")
        if column.tag == kinds.paged:
            return self.saw("paged", "pages")
        if column.tag == kinds.text:
            return self.text(column.texts)
        kind, numbers = self.numbers(column.ints)
        if column.tag == kinds.codes:
            return self.saw(f"codes {kind}", f"dictionary of {len(column.locals)}, {numbers}")
        if column.tag == kinds.records:
            return self.saw(f"records {kind}", f"shared records, {numbers}")
        return self.saw(f"int {kind}", f"int {numbers}")

    def numbers(self, model):
        ints = self.modules.models.IntTag
        if model.tag == ints.constant:
            return "constant", f"constant {signed(model.constant.signed)}"
        if model.tag == ints.fixed:
            return "bits", f"{model.widths[0]} bits"
        if model.tag == ints.dictionary:
            return "values", f"values by code, {self.numbers(model.codes)[1]}"
        widths = "/".join(map(str, model.widths))
        if model.tag == ints.classes:
            return "classes", f"{widths} bits by class"
        return "classes raw", f"{widths} bits by class, the last raw"

    def text(self, model):
        texts = self.modules.models.TextTag
        if model.tag == texts.constant:
            return self.saw("text constant", "constant text")
        if model.tag == texts.pattern:
            return self.saw("text pattern", f"text by pattern: {self.pattern(model.pattern)}")
        forms = "; ".join(self.pattern(pattern) for pattern in model.forms)
        return self.saw("text forms", f"text of {len(model.forms)} forms: {forms}")

    def pattern(self, pattern):
        self.seen.update(part.tag.name for part in pattern.parts)
        return ", ".join(sorted({name(part.tag) for part in pattern.parts}))

    def saw(self, what, encoding):
        self.seen.add(what)
        return encoding


def plain(kind):
    """A section's name without what an identifier cannot hold."""
    return kind.replace("-", " ")


def main():
    modules, command, *files = sys.argv[1:]
    checker = Checker(modules, command)
    for path in files:
        checker.check(path)
    missing = ENCODINGS - checker.seen
    if missing:
        sys.exit(f"no file has a column of {', '.join(sorted(missing))}")
    print(f"{len(files)} files, {len(checker.seen)} encodings agree")


if __name__ == "__main__":
    main()
