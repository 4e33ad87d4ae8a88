"""Chapter 11 of SPEC.md: pages of records, and records that are taken apart."""

import bisect
import zlib
from collections import defaultdict

from .bits import Input, need, unzstd, varint

MAX_PAGE = 269_484_032
MAX_APART = 1 << 20
MAX_DEPTH = 200
KINDS = {1: "ResourceContext", 2: "ScopeContext", 3: "Span"}
# S4.1: the fields that are messages, by what message they are, and those that are strings (None).
FIELDS = {
    "ResourceContext": {1: "Resource", 3: None},
    "ScopeContext": {1: "Scope", 3: None},
    "Resource": {1: "KeyValue", 3: "EntityRef"},
    "EntityRef": {1: None, 2: None, 3: None, 4: None},
    "Scope": {1: None, 2: None, 3: "KeyValue"},
    "Span": {3: None, 5: None, 9: "KeyValue", 11: "Event", 13: "Link", 15: "Status"},
    "Event": {2: None, 3: "KeyValue"},
    "Link": {3: None, 4: "KeyValue"},
    "Status": {2: None},
    "KeyValue": {1: None, 2: "AnyValue"},
    "AnyValue": {1: None, 5: "ArrayValue", 6: "KeyValueList"},
    "ArrayValue": {1: "AnyValue"},
    "KeyValueList": {1: "KeyValue"},
}


class Pages:
    """Chapter 11: the records of some pages; `read(offset, length)` gives stored bytes, and
    `before` is the dictionary of their frames."""

    def __init__(self, directory, read, before=b""):
        self.read, self.before, self.entries, self.cached = read, before, [], (None, None)
        self.records = self.bytes = 0
        for _ in range(directory.varint()):
            count = directory.varint()
            apart = count == 0
            count = directory.varint() if apart else count
            stored, raw, crc = directory.varint(), directory.varint(), directory.number(4)
            most = MAX_APART if apart else MAX_PAGE
            need(0 < count <= raw <= most and stored <= raw, "S11.2: the sizes of a page")
            self.entries.append((self.records, count, self.bytes, stored, raw, crc, apart))
            self.records += count
            self.bytes += stored

    def record(self, number):
        place = bisect.bisect_right(self.entries, (number, 1 << 70)) - 1
        need(place >= 0 and number < self.records, "S11.1: a record beyond the last")
        if self.cached[0] != place:
            self.cached = (place, self.page(*self.entries[place][1:]))
        return self.cached[1][number - self.entries[place][0]]

    def page(self, count, offset, stored, raw, crc, apart):
        data = bytes(self.read(offset, stored))
        need(zlib.crc32(data) == crc, "S11: the checksum of a page")
        if apart:
            records = join(unzstd(data, raw, None, self.before), count)
            sizes = (len(record) + len(varint(len(record))) for record in records)
            need(sum(sizes) == raw, "S11.5: the raw length of a page taken apart")
            return records
        page = Input(data if stored == raw else unzstd(data, MAX_PAGE, raw, self.before))
        lengths = [page.varint() for _ in range(count)]
        records = [page.take(length) for length in lengths]
        need(page.rest() == 0, "S11.3: the lengths in a page")
        return records


class Apart:
    """S11.5 to S11.9: records taken apart, put together one by one."""

    def __init__(self, data):
        data = Input(data)
        lengths = [(data.varint(), data.varint()) for _ in range(data.varint())]
        ids = [id_ for id_, _ in lengths]
        need(ids == sorted(set(ids)) and all(id_ < 1028 for id_ in ids), "S11.5: the streams")
        self.streams = defaultdict(lambda: Input(b""))
        for id_, length in lengths:
            need(length > 0, "S11.5: an empty stream")
            self.streams[id_] = Input(data.take(length))
        need(data.rest() == 0, "S11.5: bytes behind the streams")

    def is_used(self):
        return all(stream.rest() == 0 for stream in self.streams.values())

    def record(self):
        kind = self.streams[0].u8()
        if kind == 0:
            return bytes(self.streams[3].take(self.streams[2].varint()))
        need(kind in KINDS, "S11.6: the kind of a record")
        self.numbers = []
        return self.message(KINDS[kind], 0, 0)

    def message(self, message, parent, depth):
        need(depth <= MAX_DEPTH, "S11.8: messages inside each other")
        structure, out = self.streams[0], b""
        while tag := structure.varint():
            number, wire = tag >> 3, tag & 7
            stream = self.streams[4 + 32 * min(parent, 31) + min(number, 31)]
            need(wire < 7, "S11.7: a wire type")
            if wire == 6:
                out += varint(number << 3) + varint(self.known(structure.varint()))
                continue
            out += varint(tag)
            if wire == 0:
                out += varint(structure.varint())
            elif wire in (1, 5):
                out += stream.take(8 if wire == 1 else 4)
            elif wire == 2:
                inner = FIELDS[message].get(number, bytes)
                if inner is bytes:
                    value = stream.take(self.streams[2].varint())
                else:
                    value = self.message(inner, number, depth + 1) if inner else self.text(stream)
                out += varint(len(value)) + value
        return out

    def known(self, place):
        need(place < min(9, len(self.numbers)), "S11.9: a number told before")
        return self.numbers[place]

    def text(self, stream):
        out = b""
        while (byte := stream.u8()) != 0xFF:
            if byte < 0xF5:
                out += bytes([byte])
                continue
            if byte == 0xF5:
                self.numbers.append(self.streams[1].varint())
                number = self.numbers[-1]
            else:
                number = self.known(byte - 0xF6)
            out += str(number).encode()
        return out


def join(data, count):
    """The records of a page taken apart."""
    apart = Apart(data)
    records = [apart.record() for _ in range(count)]
    need(apart.is_used(), "S11.5: a stream that is not read to its end")
    return records
