"""Compares the index sections of a segment (SPEC.md, chapter 18) with its rows."""

import struct
from collections import defaultdict

from .bits import M64, Input, need, signed
from .indexes import (
    BOOL, DOUBLE, INT, STRING, Covered, HashTable, Lists, packed, share, share_code,
    sorted_texts,
)
from .otlp_json import fields
from .segment import BLOOM, IDS, OPERATIONS, PEAKS, ZONES
from .statistics import check_statistics

ERROR = 2


class Row:
    """What the indexes know of a row."""

    def __init__(self, segment, number, ordinal, resource, scope, template, span):
        self.number, self.ordinal, self.template = number, ordinal, template
        self.resource, self.scope = resource, scope
        self.block = number // segment.footer.block_rows
        self.fields = defaultdict(list)
        for field, value, _ in fields(span):
            self.fields[field].append(value)
        one = lambda field, default: self.fields.get(field, [default])[0]
        self.start, self.end = one(7, 0), one(8, 0)
        self.name, self.kind = one(5, b"").decode("utf-8"), signed(one(6, 0))
        self.status = {field: value for field, value, _ in fields(one(15, b""))}
        self.error = self.status.get(3, 0) == ERROR
        self.duration = max(self.end - self.start, 0)


def check(segment):
    """Raises `Damaged` at the first difference; says what was compared."""
    spans = enumerate(segment.spans())
    rows = [Row(segment, number, *parts) for number, parts in spans]
    services = [service_names(resource) for resource in segment.resources]
    check_times(segment, rows)
    check_ids(segment)
    operations = check_operations(segment, rows, services)
    check_peaks(segment, rows, services)
    check_statistics(segment, rows, operations, services)
    terms = gather_terms(segment, rows)
    lists = check_terms(segment, terms)
    return f"{len(rows)} rows, {segment.trace_count} traces, {len(terms)} keys, {lists} lists agree"


def totals(rows):
    """Earliest and latest start, latest end, longest duration, errors."""
    columns = [[r.start for r in rows], [r.end for r in rows], [r.duration for r in rows]]
    starts, ends, durations = columns
    return min(starts), max(starts), max(ends), max(durations), sum(r.error for r in rows)


def check_times(segment, rows):
    """The summary, the trace table, the zone maps."""
    if rows:
        expected = [len(rows), segment.trace_count, *totals(rows), len(segment.data)]
        need(segment.footer.summary == expected, "S9.8: the summary")
    by_trace, by_block = defaultdict(list), defaultdict(list)
    for row in rows:
        by_trace[row.ordinal].append(row)
        by_block[row.block].append(row)
    before = None
    for ordinal, trace in enumerate(segment.traces.entries):
        own = by_trace[ordinal]
        first, last, end, longest, errors = totals(own)
        found = trace.first_start, trace.last_start, trace.max_end, trace.max_duration
        length = (end - first) & M64
        last = min(first + share(share_code(last - first, length), length), M64)
        longest = share(share_code(longest, length), length)
        need(found == (first, last, end, longest), f"S18.2: the times of trace {ordinal}")
        need((trace.first_row, trace.rows) == (own[0].number, len(own)), "S18.2: rows of a trace")
        need(bool(trace.flags & 2) == (errors > 0), "S18.3: the error flag")
        need(before is None or before <= (first, trace.id), "S9.10: the order of traces")
        before = first, trace.id
    data = Input(segment.sections[ZONES])
    zones = zip(*(packed(data) for _ in range(5)))
    for block, (first, last, end, longest, errors) in enumerate(zones):
        zone = first, (first + last) & M64, (first + end) & M64, longest, errors
        need(zone == totals(by_block.pop(block)), f"S18.24: the zone of block {block}")
    need(not by_block and not data.rest(), "S18.24: a zone for each block")


def check_ids(segment):
    """The trace-id index and the bloom filter."""
    table = HashTable(Input(segment.sections[IDS]))
    bloom = Input(segment.sections[BLOOM])
    need(bloom.u8() == 1 and bloom.number(8) == bloom.rest() - 36, "S18.6: the header")
    functions, seed, bits = bloom.number(4), bloom.take(32), bloom.take(bloom.rest())
    need(seed == b"tracekeep bloom, first half/2nd." and 0 < functions <= 64, "S18.6: the seed")
    for ordinal, trace in enumerate(segment.traces.entries):
        low = int.from_bytes(trace.id[8:], "big")
        need(ordinal in table.find(xxh3_of_8(low)), "S18.4: a trace that is not found")
        h0, h1 = siphash13(seed[:16], low), siphash13(seed[16:], low)
        for i in range(functions):
            bit = (h0, h1)[i] if i < 2 else ((h0 + i * h1) & M64) % 18446744073709551557
            bit %= len(bits) * 8
            need(bits[bit // 8] >> bit % 8 & 1, "S18.9: a trace that the filter excludes")


def xxh3_of_8(value):
    """S18.4: XXH3-64 of a number as eight little-endian bytes."""
    rotate = lambda v, n: (v << n | v >> (64 - n)) & M64
    value = (value >> 32 | value << 32) & M64 ^ 0xC73AB174C5ECD5A2
    value ^= rotate(value, 49) ^ rotate(value, 24)
    value = value * 0x9FB21C651E98DF25 & M64
    value ^= (value >> 35) + 8
    value = value * 0x9FB21C651E98DF25 & M64
    return value ^ value >> 28


def siphash13(key, value):
    """S18.7: SipHash-1-3 of a number as eight little-endian bytes."""
    rotate = lambda v, n: (v << n | v >> (64 - n)) & M64
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    a, b = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    c, d = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def round_():
        nonlocal a, b, c, d
        a, c = (a + b) & M64, (c + d) & M64
        b, d = rotate(b, 13) ^ a, rotate(d, 16) ^ c
        a = rotate(a, 32)
        c, a = (c + b) & M64, (a + d) & M64
        b, d = rotate(b, 17) ^ c, rotate(d, 21) ^ a
        c = rotate(c, 32)

    for word in (value, 8 << 56):
        d ^= word
        round_()
        a ^= word
    c ^= 0xFF
    for _ in range(3):
        round_()
    return a ^ b ^ c ^ d


def check_operations(segment, rows, services):
    data = Input(segment.sections[OPERATIONS])
    complete, names = data.u8(), [sorted_texts(data) for _ in range(2)]
    found = list(zip(*(packed(data) for _ in range(5))))
    expected = defaultdict(list)
    for row in rows:
        row.service = service_of(services[row.resource])
        expected[row.service, row.name, row.kind].append(row)
    most = max(1024, min(10_000, len(rows) // 4))
    need(bool(complete) == (len(expected) <= most), "S18.29: complete")
    need(len(found) == len(expected) * complete, "S18.26: the number of operations")
    # Code points ascend as the bytes of UTF-8 do.
    for key, row in zip(sorted(expected), found):
        service, name, kind, spans, errors = row
        own = (service > 0, names[0][service - 1] if service else ""), names[1][name]
        need((*own, signed(kind >> 1 ^ -(kind & 1) & M64)) == key, "S18.26: an operation")
        failed = totals(expected[key])[-1]
        need((spans, errors) == (len(expected[key]), failed), "S18.28: its counts")
    return sorted(expected) if complete else None


def service_of(names):
    """S18.27: whether there is a name, and the name."""
    strings = [value for value in names if value[:1] == b"\x0a"]
    return bool(strings), Input(strings[0], 1).text() if strings else ""


def service_names(resource):
    """The values of all attributes `service.name`, in order."""
    names = []
    messages = [message for number, message, _ in fields(resource) if number == 1]
    pairs = [pair for message in messages for n, pair, _ in fields(message) if n == 1]
    for pair in pairs:
        parts = {n: value for n, value, _ in fields(pair)}
        names += [parts[2]] if parts.get(1) == b"service.name" and 2 in parts else []
    return names


def level(nanos):
    """S18.32."""
    if nanos == 0:
        return 0
    octave = nanos.bit_length() - 1
    return min(255, 4 * octave + ((nanos << 2) >> octave & 3) + 1)


def check_peaks(segment, rows, services):
    data, blocks = Input(segment.sections[PEAKS]), -(-segment.rows // segment.footer.block_rows)
    named = [data.varint() for _ in range(data.varint())]
    count = data.varint()
    if count == 0:
        return
    expected = defaultdict(lambda: defaultdict(int))
    numbers = {tuple(services[code]): number for number, code in enumerate(named)}
    for row in rows:
        peaks = expected[row.template, numbers[tuple(services[row.resource])]]
        peaks[row.block] = max(peaks[row.block], level(row.duration))
    sorts, template = [], 0
    for _ in range(count - 1):
        template += data.varint()
        service, pointer, usual, highest = data.varint(), data.varint(), data.u8(), data.u8()
        sorts.append((template, service, pointer, usual, highest, data.varint() if usual else 0))
    peaks = [data.take(sort[-1]) for sort in sorts]
    lists = Lists(blocks, data.take(data.rest()))
    need([sort[:2] for sort in sorts] == sorted(expected), "S18.31: the sorts")
    for (template, service, pointer, usual, highest, _), own in zip(sorts, peaks):
        levels, listed = expected[template, service], lists.read(pointer)
        need(highest == max(levels.values()), "S18.33: the highest level")
        if usual == 0:
            need(listed == sorted(levels), "S18.33: the blocks of a rare sort")
            continue
        high = {block: peak for block, peak in levels.items() if peak > usual}
        need(dict(zip(listed, own)) == high and len(own) == len(listed), "S18.33: the peaks")


def gather_terms(segment, rows):
    """Per (scope, key): traces with the key, and per (type, value) the traces with it."""
    terms = defaultdict(lambda: (set(), defaultdict(set)))

    def tell(scope, key, ordinals, kind=None, value=None):
        present, values = terms[scope, key]
        present.update(ordinals)
        if kind is not None:
            values[kind, value].update(ordinals)

    def tell_pair(scope, pair, ordinals):
        parts = [(n, value) for n, value, _ in fields(pair)]
        key = next((value for n, value in parts if n == 1), b"")
        member = next((value for n, value in parts if n == 2), b"")
        plain = [(n, value) for n, value, _ in fields(member)]
        if is_raw(pair) or not plain or plain[0][0] > 5:
            return tell(scope, key, ordinals)
        number, value = plain[0]
        if number == 5:
            array = f"array:{scope}.".encode() + key
            return tell(scope, key, ordinals), tell("intrinsic", array, ordinals)
        kind = {1: STRING, 2: BOOL, 3: INT, 4: DOUBLE}[number]
        value = value.decode() if number == 1 else signed(value) if number == 3 else value
        tell(scope, key, ordinals, kind, value)

    by_context = defaultdict(set)
    for row in rows:
        at = [row.ordinal]
        by_context["resource", row.resource].add(row.ordinal)
        by_context["instrumentation", row.scope].add(row.ordinal)
        tell("intrinsic", b"name", at, STRING, row.name)
        tell("intrinsic", b"kind", at, INT, row.kind)
        tell("intrinsic", b"status", at, INT, signed(row.status.get(3, 0)))
        if 2 in row.status:
            tell("intrinsic", b"statusMessage", at, STRING, row.status[2].decode())
        for field, scope, inside in ((9, "span", 0), (11, "event", 3), (13, "link", 4)):
            for message in row.fields[field]:
                pairs = [v for n, v, _ in fields(message) if n == inside] if inside else [message]
                for pair in pairs:
                    tell_pair(scope, pair, at)
                if field == 11:
                    name = next((v for n, v, _ in fields(message) if n == 2), b"")
                    tell("intrinsic", b"event:name", at, STRING, name.decode())
    for (scope, code), ordinals in by_context.items():
        context = (segment.resources if scope == "resource" else segment.scopes)[code]
        for number, message, _ in fields(context):
            parts = list(fields(message)) if number == 1 else []
            for n, pair, _ in parts:
                if n == (1 if scope == "resource" else 3):
                    tell_pair(scope, pair, ordinals)
            if number == 1 and scope == "instrumentation":
                texts = {n: value for n, value, _ in parts}
                for n, key in ((1, b"instrumentation:name"), (2, b"instrumentation:version")):
                    tell("intrinsic", key, ordinals, STRING, texts.get(n, b"").decode())
    return terms


def is_raw(pair):
    """S13.3, type 9: an unknown field somewhere inside."""
    for number, value, _ in fields(pair):
        if number > 2 or number == 2 and has_unknown(value):
            return True
    return False


def has_unknown(value):
    for number, inner, _ in fields(value):
        if number > 7:
            return True
        if number in (5, 6):
            check = has_unknown if number == 5 else is_raw
            if any(n != 1 or check(item) for n, item, _ in fields(inner)):
                return True
    return False


def check_terms(segment, terms):
    index, lists = segment.terms, 0
    scarce = check_scarce(index, set(terms) - set(index.keys), terms)
    need(set(index.keys) - scarce <= set(terms), "S18.22: the keys of the tag index")
    for key, (pointer, parts) in index.keys.items():
        if key in scarce:
            continue
        present, values = terms[key]
        need(index.lists.read(pointer) == sorted(present), f"S18.11: traces with {key}")
        held = set()
        for form, kind, begin, length in parts:
            part = index.part(form, kind, begin, length)
            if form == 0:
                expected = {value: list_ for (k, value), list_ in values.items() if k == kind}
                found = dict(zip(part[0], map(index.lists.read, part[1])))
                if (6, STRING) in (own[:2] for own in parts) and kind == STRING:
                    expected = {value: expected.get(value, ()) for value in found}
                need(found == {v: sorted(l) for v, l in expected.items()}, f"S18.15: values of {key}")
                held.update((kind, value) for value in found)
                lists += len(found)
            elif form == 3:
                held.update(check_buckets(index, part, values, held, key))
                lists += len(part[1])
            elif form == 4:
                check_covered(index, part, values, key)
                held.update(value for value in values if value[0] == STRING)
            elif form == 6:
                own = {value for value in values if value[0] == STRING} - held
                need(("intrinsic", b"scarce") in index.keys, f"S18.48: where texts of {key} are")
                need(part == len(own), f"S18.48: scarce texts of {key}")
                held.update(own)
            elif kind == STRING:
                # Hashing texts takes more of XXH3 than stands here: only the count is compared.
                pairs = sum(len(list_) for (k, _), list_ in values.items() if k == STRING)
                need(len(part.entries) <= pairs, f"S18.18: hashes of {key}")
                held.update(value for value in values if value[0] == STRING)
        nans = {v for v in values if v[0] == DOUBLE and v[1] & ~(1 << 63) > 0x7FF << 52}
        need(set(values) - nans <= held, f"S18.17: values of {key} that no part holds")
    return lists


def check_scarce(index, keys, terms):
    """S18.47: hashing names takes more of XXH3 than stands here, so that pairs are only counted."""
    scarce = {("intrinsic", b"scarce")} & set(index.keys)
    own = {key for key in keys if key[0] != "intrinsic"}
    arrays = {("intrinsic", f"array:{scope}.".encode() + key) for scope, key in own}
    need(keys <= own | arrays and (scarce or not keys), "S18.22: keys that no entry tells")
    for key in scarce:
        pointer, [part] = index.keys[key]
        found, pairs = index.part(*part), set()
        told = [(found.token(key[1], key), terms[key][0]) for key in own]
        for name, (_, parts) in index.keys.items():
            if any(form == 6 for form, *_ in parts):
                values = next((index.part(*p)[0] for p in parts if p[:2] == (0, STRING)), [])
                texts = terms[name][1].items()
                texts = [(v.encode(), l) for (k, v), l in texts if k == STRING and v not in values]
                told += [(found.token(text, text), list_) for text, list_ in texts]
        for token, ordinals in told:
            pairs.update((token, ordinal >> found.shift) for ordinal in ordinals)
        count = len(found.table.entries)
        need(count <= len(pairs) <= 2 * count, "S18.47: pairs of what is scarce")
        traces = sorted(set().union(*(terms[key][0] for key in own)))
        need(index.lists.read(pointer) == traces, "S18.47: the traces of scarce keys")
    return scarce


def check_covered(index, part, values, key):
    """S18.46: hashing texts takes more of XXH3 than stands here, so that pairs are only counted."""
    keys, narrow = list(index.keys.values()), max(8, index.lists.n // 64)
    homes, hashed = [], False
    for number, words in part.homes:
        parts = [own for own in keys[number][1] if own[1] == STRING]
        need(parts and all(own[0] != 4 for own in parts), f"S18.46: a home of {key}")
        hashed |= any(own[0] == 2 for own in parts)
        homes += [(words, dict(zip(*index.part(*own)))) for own in parts if own[0] == 0]
    left = 0
    for (kind, text), ordinals in values.items():
        covered = set()
        for i, word in enumerate(Covered.words(text) if kind == STRING else []):
            own = [home for words, home in homes if words >> i & 1 and word in home]
            found = [index.lists.read(home[word]) for home in own]
            covered.update(*(list_ for list_ in found if len(list_) <= narrow))
        left += len(ordinals - covered) if kind == STRING else 0
    count = len(part.table.entries)
    need(count <= left and (hashed or left - count <= 1 + left // 16), f"S18.46: hashes of {key}")


def check_buckets(index, part, values, held, key):
    """S18.20: the numbers that no dictionary holds, by bucket."""
    shift, buckets, pointers = part
    expected, told = defaultdict(set), set()
    for (kind, value), ordinals in values.items():
        if kind not in (INT, DOUBLE) or (kind, value) in held:
            continue
        bits = struct.unpack("<Q", struct.pack("<d", float(value)))[0] if kind == INT else value
        if bits & ~(1 << 63) <= 0x7FF << 52:
            ordered = bits ^ M64 if bits >> 63 else bits ^ 1 << 63
            expected[ordered >> shift].update(ordinals)
            told.add((kind, value))
    found = dict(zip(buckets, map(index.lists.read, pointers)))
    need(found == {b: sorted(l) for b, l in expected.items()}, f"S18.20: buckets of {key}")
    return told
