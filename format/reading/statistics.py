"""Statistics and sketches (SPEC.md, S18.35 to S18.42), compared with the rows of a segment."""

from collections import Counter, defaultdict

from .bits import Input, need, unzigzag
from .segment import SKETCHES, STATISTICS

MINUTE = 60_000_000_000
BEGINS = [2341847524, 2553802834, 2784941738, 3037000500, 3311872530, 3611622603, 3938502376]


def bucket(nanos):
    """S18.40."""
    if nanos == 0:
        return 0
    octave = nanos.bit_length() - 1
    leading = (nanos << 31) >> octave
    return 1 + 8 * octave + sum(begin <= leading for begin in BEGINS)


def read_statistics(segment):
    """(operation, caller, minute) to (spans, errors, exemplar, buckets), and unresolved rows."""
    data = Input(segment.sections[STATISTICS])
    minutes, minute, lowest = [], -1, 0
    for _ in range(data.varint()):
        minute += 1 + data.varint()
        lowest += unzigzag(data.varint())
        minutes.append((minute, lowest))
    groups, operation = [], 0
    for _ in range(data.varint()):
        operation += data.varint()
        groups.append((operation, data.varint(), data.varint(), data.varint() + 1))
    need(groups == sorted(set(groups)), "S18.36: the order of groups")
    keys = []
    for operation, caller, low, cells in groups:
        index = -1
        for _ in range(cells):
            index += 1 + data.varint()
            need(index < len(minutes), "S18.36: the minute of a cell")
            keys.append((operation, caller, low, *minutes[index]))
    spans = [data.varint() + 1 for _ in keys]
    errors = [data.varint() for _ in keys]
    exemplars = [key[-1] + data.varint() for key in keys]
    unresolved, row = [], -1
    for _ in range(data.varint()):
        row += 1 + data.varint()
        unresolved.append(row)
    need(not data.rest(), "S18.35: bytes behind the unresolved rows")
    runs, cells = Input(segment.sections[SKETCHES]), {}
    for (operation, caller, low, minute, _), *counts in zip(keys, spans, errors, exemplars):
        cells[operation, caller, minute] = (*counts, read_runs(runs, low, counts[0]))
    need(not runs.rest(), "S18.42: bytes behind the runs")
    least = {}
    for (_, _, minute), (_, _, exemplar, _) in cells.items():
        least[minute] = min(exemplar, least.get(minute, exemplar))
    need(sorted(least.items()) == minutes, "S18.38: the lowest ordinals of minutes")
    return cells, unresolved


def read_runs(runs, at, spans):
    """S18.42: the buckets of a cell."""
    buckets = {}
    while spans:
        token = runs.u8()
        if token < 192:
            steps, count = token >> 3, (token & 7) + 1
        else:
            steps = runs.varint()
            count = token - 191 if token < 255 else runs.varint() + 64
        at, spans = at + steps, spans - count
        need(at <= 512 and spans >= 0 and at not in buckets, "S18.42: a run")
        buckets[at] = count
    return buckets


def check_statistics(segment, rows, operations, services):
    """Adds up the rows; `operations` are those of S18.26, if they are told."""
    found, unresolved = read_statistics(segment)
    if operations is None:
        need(not found and not unresolved, "S18.35: statistics without operations")
        return
    places = {operation: place for place, operation in enumerate(operations)}
    names = sorted({service[1] for service, _, _ in operations if service[0]})
    codes = {name: code for code, name in enumerate(names, 1)}
    by_id, cells, elsewhere = defaultdict(list), defaultdict(list), []
    for row in rows:
        row.code = codes[row.service[1]] if row.service[0] else 0
        by_id[row.ordinal, row.fields[2][0]].append(row)
    for row in rows:
        caller = 0
        if row.fields[4]:
            parents = [p for p in by_id.get((row.ordinal, row.fields[4][0]), []) if p is not row]
            caller = 2 + min((p.start, p.code) for p in parents)[1] if parents else 1
            elsewhere += [] if parents else [row.number]
        operation = places[row.service, row.name, row.kind]
        cells[operation, caller, row.start // MINUTE].append(row)
    need(unresolved == elsewhere, "S18.39: unresolved rows")
    need(found.keys() == cells.keys(), "S18.35: the cells")
    for key, own in cells.items():
        longest = max(row.duration for row in own)
        exemplar = min(row.ordinal for row in own if row.duration == longest)
        buckets = Counter(bucket(row.duration) for row in own)
        expected = len(own), sum(row.error for row in own), exemplar, buckets
        need(found[key] == expected, f"S18.38: the cell {key}")
