"""Chapters 9, 10 and 13 to 16 of SPEC.md: a segment file, from its footer to its rows."""

import zlib
from itertools import islice

from .bits import (
    M64, MAX_SECTION, Damaged, Input, Ints, Texts, bit_length, get_bits, need, unzstd,
)
from .indexes import TagIndex, TraceTable, first_page
from .pages import Pages
from .rows import Template, spelled_span

VERSION = 5
KINDS = range(1, 15)
MODELS, CONTEXTS, PAGES, BLOCKS, TRACES, IDS, BLOOM, TERMS, *OTHERS = KINDS
OPERATIONS, ZONES, PEAKS, STATISTICS, SKETCHES, DICTIONARIES = OTHERS
# S13.5
DURATION = 2
PACKED = (MODELS, PAGES, BLOCKS, OPERATIONS, PEAKS, STATISTICS, SKETCHES)


class Footer:
    """S9.3; `None` fields if the bytes are no footer."""

    def __init__(self, data):
        self.sound = data[:8] == b"TKEEPEND" and zlib.crc32(data[:124]) == Input(data, 124).number(4)
        part = Input(data, 8)
        self.version, self.directory_bytes = part.number(4), part.number(4)
        self.pages, self.area, self.area_bytes = (part.number(8) for _ in range(3))
        self.block_rows, self.area_crc = part.number(4), part.number(4)
        rows, _flags = part.number(4), part.number(4)
        self.summary = [rows, *(part.number(8) for _ in range(7))]

    def fits(self, length):
        """S9.5."""
        size = granule(self.area_bytes)
        guards = min(size, self.area_bytes) + 2 * 4 * (-(-self.area_bytes // size) + 2)
        return (
            64 <= self.pages <= self.area - 128
            and 0 < self.area_bytes >= self.directory_bytes
            and 1 <= self.block_rows <= 65535
            and self.summary[7] == length == self.area + self.area_bytes + guards + 256
        )


def granule(length):
    """S10.1: the bytes of a granule of an area of this length."""
    return next((size for size in (512, 1024, 2048) if length <= size * size // 4), 4096)


class Segment:
    """A segment file: chapters 9, 10 and 13 to 16."""

    def __init__(self, data):
        self.data = data
        self.footer = self.find_footer()
        self.area = self.read_area()
        self.sections = self.read_directory()
        self.rows, self.trace_count = self.footer.summary[:2]
        self.traces = TraceTable(self.sections[TRACES])
        need(len(self.traces.entries) == self.trace_count, "S9.8: the number of traces")
        self.terms = TagIndex(self.sections[TERMS], self.sections[DICTIONARIES], self.trace_count)
        self.models = Models(Input(self.sections[MODELS]), self.terms)
        pages_end = self.footer.area - 128
        self.pages = Pages(
            Input(self.sections[PAGES]),
            lambda at, length: data[self.footer.pages + at : self.footer.pages + at + length],
            self.vocabulary,
        )
        need(self.pages.bytes == pages_end - self.footer.pages, "S11.4: the bytes of the pages")
        self.resources, self.scopes = read_contexts(self.sections[CONTEXTS], self.vocabulary)

    def find_footer(self):
        need(len(self.data) >= 64 + 256, "S9.5: the file ends before its footers")
        for copy in (self.data[-128:], self.data[-256:-128]):
            footer = Footer(copy)
            if footer.sound and footer.version != VERSION:
                raise Damaged(f"S9.4: version {footer.version}, this reads {VERSION}")
            if footer.sound and footer.fits(len(self.data)):
                return footer
        raise Damaged("S9.5: neither footer is whole")

    def read_area(self):
        """Chapter 10: the area, with one damaged granule rebuilt."""
        begin, length = self.footer.area, self.footer.area_bytes
        area = self.data[begin : begin + length]
        size = granule(length)
        parity = self.data[begin + length : begin + length + min(size, length)]
        granules = [area[at : at + size] for at in range(0, length, size)]
        table = 4 * (len(granules) + 2)
        at = begin + length + len(parity)
        tables = [self.data[at : at + table], self.data[at + table : at + 2 * table]]
        table = next((t for t in tables if zlib.crc32(t[:-4]) == Input(t, table - 4).number(4)), None)
        need(table is not None, "S10.3: neither crc table is whole")
        crcs = [Input(table, 4 * i).number(4) for i in range(len(granules) + 1)]
        bad = [i for i, granule in enumerate(granules) if zlib.crc32(granule) != crcs[i]]
        if bad:
            need(len(bad) == 1 and zlib.crc32(parity) == crcs[-1], "S10.4: granules beyond repair")
            numbers = [g for i, g in enumerate(granules) if i != bad[0]] + [parity]
            rebuilt = 0
            for other in numbers:
                rebuilt ^= int.from_bytes(other, "little")
            whole = rebuilt.to_bytes(size, "little")[: len(granules[bad[0]])]
            need(zlib.crc32(whole) == crcs[bad[0]], "S10.4: a granule that is not rebuilt")
            granules[bad[0]] = whole
        return b"".join(granules)

    def read_directory(self):
        """S10.5: the sections by kind, decompressed."""
        begin = len(self.area) - self.footer.directory_bytes
        need(self.footer.directory_bytes % 20 == 0, "S10.5: half an entry")
        entries, sections, places = Input(self.area, begin), {}, []
        while entries.rest():
            kind, at, length = entries.number(4), entries.number(8), entries.number(8)
            need(at + length <= begin and kind not in sections, "S10.5: a section")
            need(all(at + length <= a or b <= at for a, b in places if a < b and length),
                 "S10.5: sections that overlap")
            places.append((at, at + length))
            sections[kind] = self.area[at : at + length]
        need(all(kind in sections for kind in KINDS), "S10.6: a section is missing")
        self.vocabulary = first_page(Input(sections[DICTIONARIES]))
        for kind in PACKED:
            sections[kind] = unzstd(sections[kind], MAX_SECTION, None, self.vocabulary)
        return sections

    def blocks(self):
        """S15.1 to S15.3: the blocks."""
        ends, begin = Input(self.sections[BLOCKS]), 64
        for first in range(0, self.rows, self.footer.block_rows):
            end = 64 + ends.varint()
            need(begin < end <= self.footer.pages, "S15.1: the end of a block")
            block = Block(self, self.data[begin:end], first)
            need(block.n == min(self.footer.block_rows, self.rows - first), "S15.3: rows")
            yield block
            begin = end
        need(begin == self.footer.pages and not ends.rest(), "S15.1: the last block")

    def spans(self):
        """Every row: ordinal, resource code, scope code, template, canonical bytes of the span."""
        for block in self.blocks():
            yield from block.spans()


class Models:
    """Chapter 13, and the grammar of chapter 14."""

    def __init__(self, data, terms):
        count = data.varint()
        need(1 <= count <= 4097, "S13.1: the number of templates")
        skeletons = [data.prefixed() for _ in range(count)]
        need(not skeletons[0], "S13.1: the spelled template has no skeleton")
        self.templates = [None] + [Template(Input(skeleton)) for skeleton in skeletons[1:]]
        shared = data.varint()
        need(1 <= shared <= 64, "S13.16: the number of duration models")
        self.durations = [Ints(data) for _ in range(shared)]
        self.words = []
        self.columns = []
        for template in self.templates:
            slots = template.slots if template else [("int", None), ("bytes", None)]
            kinds = [("int", None), ("int", None), ("duration", None)] + slots
            columns = [Column(data, kind, place, terms, self.words) for kind, place in kinds]
            need(columns[DURATION].number < shared, "S13.16: a duration model")
            self.columns.append(columns)
        self.rank_bits, self.step_bits, self.step_form = data.u8(), data.u8(), data.u8()
        known = data.varint()
        need(self.step_form < 2, "S14.5: the form of steps")
        need(self.rank_bits <= 4 and self.step_bits <= 32 and known <= 32768, "S14.5: the grammar")
        self.steps, last = [], 0
        for i in range(known):
            delta = data.varint()
            need(delta > 0 or i == 0, "S14.5: steps ascend")
            last += delta
            self.steps.append(last)
        self.states = {step: i + 1 for i, step in enumerate(self.steps)}
        self.ranks = (1 << self.rank_bits) - 1
        self.successors = []
        for _ in range(known + 1 if self.ranks else 0):
            self.successors.append([self.steps[data.varint()] for _ in range(data.varint())])
        self.words.extend(self.read_words(data, terms))
        self.ids = [Ints(data), Ints(data)] if data.rest() else []
        need(all(model.is_fixed() for model in self.ids), "S15.7: the models of ids")
        need(data.rest() == 0, "S13.1: bytes behind the models of ids")

    def read_words(self, data, terms):
        """S12.12 to S12.14."""
        spelled, held = data.varint(), data.varint()
        need(spelled + held <= 65536, "S12.13: the number of words")
        dictionaries = []
        for _ in range(data.varint()):
            template, column = data.varint(), data.varint()
            need(0 < template < len(self.templates), "S12.13: a template")
            slots = self.templates[template].slots
            need(3 <= column < 3 + len(slots) and slots[column - 3][1], "S12.13: a column")
            dictionaries.append(terms.strings(*slots[column - 3][1]))
        stretches = [(data.varint(), data.varint()) for _ in range(data.varint())]
        need(sum(n for n, whose in stretches if whose == 0) == spelled
             and sum(n for n, whose in stretches if whose > 0) == held
             and all(n > 0 and whose <= len(dictionaries) for n, whose in stretches),
             "S12.13: stretches")
        codes = []
        for count, whose in stretches:
            last = -1
            for _ in range(count if whose else 0):
                last += 1 + data.varint()
                need(last < len(dictionaries[whose - 1]), "S12.14: a code")
                codes.append(dictionaries[whose - 1][last])
        lengths, known = [data.varint() for _ in range(spelled)], iter(codes)
        texts = iter([data.take(length).decode("utf-8") for length in lengths])
        words = [next(known if whose else texts) for count, whose in stretches for _ in range(count)]
        need(sum(len(word.encode("utf-8")) for word in words) <= 8 << 20, "S12.14: the words' bytes")
        return words

    def read_steps(self, data, at, n, begins):
        """S14.3, S14.4: the steps of n rows, and the bit behind them."""
        spelled, steps, state, begins = at + n * self.rank_bits, [], 0, set(begins)
        for row in range(n):
            state = 0 if row in begins else state
            rank = get_bits(data, at + row * self.rank_bits, self.rank_bits)
            if rank < self.ranks:
                need(rank < len(self.successors[state]), "S14.4: no successor of a rank")
                steps.append(self.successors[state][rank])
            else:
                step = get_bits(data, spelled, self.step_bits)
                need(self.step_form == 0 or step < len(self.steps), "S14.4: a known step")
                steps.append(self.steps[step] if self.step_form else step)
                spelled += self.step_bits
            state = self.states.get(steps[-1], 0)
        return steps, spelled


class Column:
    """S13.9 to S13.12: a column of a template."""

    def __init__(self, data, kind, place, terms, words):
        self.tag = data.u8()
        allowed = {"int": (0,), "text": (1, 2, 3, 4), "bytes": (2, 4), "duration": (5,)}[kind]
        need(self.tag in allowed, "S13.9: the column of a slot")
        self.is_text = kind == "text"
        if self.tag == 5:
            self.number = data.varint()
            return
        if self.tag == 1:
            locals_, last = [], -1
            for _ in range(data.varint()):
                last += 1 + data.signed()
                locals_.append(last)
            texts = terms.strings(*place)
            need(all(0 <= code < len(texts) for code in locals_), "S13.10: a code of a dictionary")
            self.locals = [texts[code].encode("utf-8") for code in locals_]
        self.model = None if self.tag == 4 else Texts(data, words) if self.tag == 3 else Ints(data)

    def is_fixed(self):
        """S13.11; columns in pages have no run, durations none of their own."""
        return self.tag > 3 or (self.model.tag == 0 if self.tag == 3 else self.model.is_fixed())

    def run(self, data, at, n, first_record, pages):
        """The values of the run at a bit, the bit behind it, the next record."""
        if self.tag == 4:
            records = [pages.record(first_record + i) for i in range(n)]
            return records, at, first_record + n
        values, at = self.model.run(data, at, n)
        if self.tag == 1:
            need(all(0 <= v < len(self.locals) for v in values), "S13.10: a local")
            values = [self.locals[value] for value in values]
        elif self.tag == 2:
            values = [pages.record(value) for value in values]
        elif self.tag == 3:
            values = [value.encode("utf-8") for value in values]
        return values, at, first_record


class Block:
    """Chapter 15: a block, its columns decoded."""

    def __init__(self, segment, data, first_row):
        self.segment, self.first_row = segment, first_row
        models = segment.models
        need(len(data) > 12 and zlib.crc32(data[:-4]) == Input(data, len(data) - 4).number(4),
             f"S15.2: the checksum of the block at row {first_row}")
        data = data[:-4]
        durations, header = self.read_durations(data, models.durations)
        begins, self.ordinal, record = header.varint(), header.varint(), header.varint()
        at, width = header.at * 8, bit_length(max(self.n - 1, 0))
        if begins * width < self.n:
            self.begins = [get_bits(data, at + i * width, width) for i in range(begins)]
            at += begins * width
        else:
            self.begins = [row for row in range(self.n) if get_bits(data, at + row, 1)]
            at += self.n
        need(len(self.begins) == begins, "S15.5: the number of beginnings")
        self.steps, at = models.read_steps(data, at, self.n, self.begins)
        ids = Input(data, (at + 7) // 8)
        explicit = sum(step & 63 == 63 for step in self.steps)
        if models.ids:
            self.ids, at = models.ids[0].run(data, ids.at * 8, self.n)
            self.explicit, at = models.ids[1].run(data, at, explicit)
            self.ids = [(id_ & M64).to_bytes(8, "big") for id_ in self.ids]
            self.explicit = [(id_ & M64).to_bytes(8, "big") for id_ in self.explicit]
            at = (at + 7) // 8 * 8
        else:
            self.ids = [ids.take(8) for _ in range(self.n)]
            self.explicit = [ids.take(8) for _ in range(explicit)]
            at = ids.at * 8
        self.cells = {}
        for template in sorted({step >> 6 for step in self.steps}):
            rows = sum(step >> 6 == template for step in self.steps)
            need(template < len(models.columns), "S14.1: a template of no code")
            columns, runs = models.columns[template], {}
            order = [i for i, c in enumerate(columns) if c.is_fixed()]
            order += [i for i, c in enumerate(columns) if not c.is_fixed()]
            own = durations[columns[DURATION].number]
            runs[DURATION] = list(islice(own, rows))
            need(len(runs[DURATION]) == rows, "S15.11: fewer durations than rows")
            for i in (i for i in order if i != DURATION):
                runs[i], at, record = columns[i].run(data, at, rows, record, segment.pages)
            self.cells[template] = iter(zip(*(runs[i] for i in range(len(columns)))))
        need((at + 7) // 8 == len(data), "S15.9: the end of a block")
        need(not any(list(rest) for rest in durations), "S15.11: more durations than rows")

    def read_durations(self, data, models):
        """S15.11 to S15.13: the durations of each model, and what follows them."""
        front = Input(data)
        end = front.varint() + front.at
        need(zlib.crc32(data[:end]) == Input(data, end).number(4), "S15.13: the durations' checksum")
        counts = [front.varint() for _ in models]
        self.n, at, durations = sum(counts), front.at * 8, []
        need(self.n <= 65535, "S15.12: the rows of a block")
        for model, count in zip(models, counts):
            values, at = model.run(data, at, count)
            durations.append(iter(values))
        need((at + 7) // 8 == end, "S15.13: the end of the durations")
        return durations, Input(data, end + 4)

    def spans(self):
        """S14.6 to S14.10, chapter 16."""
        segment, lineage, base_start = self.segment, [], None
        explicit, begins, ordinal = iter(self.explicit), set(self.begins), self.ordinal
        for row, step in enumerate(self.steps):
            if row == 0 or row in begins:
                ordinal += row > 0
                lineage = []
                trace = segment.traces.entries[ordinal]
                base_start = trace.first_start
            code, parent, base = step & 63, None, base_start
            if code < 62:
                need(code < len(lineage), "S14.7: no row so far up")
                del lineage[len(lineage) - code :]
                parent, base = lineage[-1]
            else:
                lineage = []
                if code == 63:
                    parent = next(explicit)
                    lineage.append((parent, base))
            resource, start, duration, *slots = next(self.cells[step >> 6])
            start = (base + start) & M64
            end = (start + duration) & M64
            lineage.append((self.ids[row], start))
            own = (trace.id, self.ids[row], parent, start, end)
            template = segment.models.templates[step >> 6]
            if template is None:
                scope, span = slots[0], spelled_span(slots[1], *own)
            else:
                scope, span = template.scope, template.span(slots, *own)
            yield ordinal, resource, scope, step >> 6, span


def read_contexts(section, vocabulary):
    """S13.15: resources and scopes, canonical bytes."""
    data = Input(section)
    resources, scopes = data.varint(), data.varint()
    pages = Pages(
        data, lambda at, length: section[data.at + at : data.at + at + length], vocabulary
    )
    need(pages.records == resources + scopes and pages.bytes == data.rest(), "S13.15: contexts")
    records = [pages.record(i) for i in range(pages.records)]
    return records[:resources], records[resources:]
