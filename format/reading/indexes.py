"""Chapters 17 and 18 of SPEC.md: packed columns, sorted texts, lists, tables, and index sections."""

import re
from collections import namedtuple

import pyroaring

from .bits import M64, Input, bit_length, get_bits, need, signed, unzstd

SCOPES = ["intrinsic", "resource", "span", "event", "link", "instrumentation"]
STRING, INT, DOUBLE, BOOL = range(4)


def packed(data):
    """S17.1, S17.2: the values of a packed column, of which few enough are told to be held."""
    count = data.varint()
    if count == 0:
        return []
    base, step, width, wide = data.varint(), data.varint(), data.u8(), data.u8()
    exceptions, each = data.varint(), bit_length(count - 1)
    need(step > 0 and width + wide <= 64 and exceptions <= count < 1 << 32, "S17.2: a column")
    need(count <= 1 << 26, "a column of equal values that is too long to be spread out here")
    at, low = 0, []
    bits = data.take((count * width + exceptions * (each + wide) + 7) // 8)
    low = [get_bits(bits, i * width, width) for i in range(count)]
    at = count * width
    which = [get_bits(bits, at + i * each, each) for i in range(exceptions)]
    at += exceptions * each
    for i, place in enumerate(which):
        low[place] |= get_bits(bits, at + i * wide, wide) << width
    return [(base + step * value) & M64 for value in low]


def ascending(data):
    """S17.14: the values of an ascending column."""
    count = data.varint()
    if count == 0:
        return []
    base, step, width, size = data.varint(), data.varint(), data.u8(), data.varint()
    need(step > 0 and width <= 64 and count <= size * 8, "S17.14: a column")
    low = data.take((count * width + 7) // 8)
    high = int.from_bytes(data.take(size), "little")
    need(high.bit_count() == count, "S17.14: the bits of the high part")
    values, place = [], -1
    for i in range(count):
        rest = high >> (place + 1)
        place += (rest & -rest).bit_length()
        value = get_bits(low, i * width, width) | (place - i) << width
        values.append((base + step * value) & M64)
    return values


def rough(code):
    """S17.11: the bound that a code means."""
    need(code <= 496, "S17.11: a code")
    if code < 16:
        return code
    return M64 if code == 496 else (8 + (code - 16) % 8) << ((code - 16) // 8 + 1)


def share(code, whole):
    """S18.2: the bound that a code means."""
    return whole * code // 8 if code <= 8 else rough(code - 9)


def share_code(number, whole):
    """S18.2: the lowest code that means `number` or more."""
    if number <= whole:
        return -(-number * 8 // whole) if number else 0
    return 9 + next(code for code in range(497) if rough(code) >= number)


def unfolded(data):
    """S17.12, S17.13: the raw bytes."""
    return b"".join(unfold(data))


def first_page(data):
    """S10.7: the vocabulary, where `data` are the dictionaries."""
    return next(iter(unfold(data)), b"")


def unfold(data):
    lengths = [(data.varint(), data.varint()) for _ in range(data.varint())]
    need(all(0 < stored <= raw <= 1 << 16 for raw, stored in lengths), "S17.13: a page")
    pages = []
    for raw, stored in lengths:
        page = data.take(stored)
        first = pages[0] if pages else b""
        pages.append(page if raw == stored else unzstd(page, 1 << 16, raw, first))
    need(data.rest() == 0, "S17.12: pages that do not fill the section")
    return pages


def sorted_texts(data):
    """S17.3, S17.4."""
    count, starts = data.varint(), packed(data)
    need(len(starts) == -(-count // 16) + 1, "S17.3: the number of groups")
    groups, texts = Input(data.take(starts[-1])), []
    for i in range(count):
        if i % 16 == 0:
            need(groups.at == starts[i // 16], "S17.3: where a group starts")
            texts.append(groups.prefixed())
            continue
        lengths = groups.u8()
        shared, rest = lengths >> 4, lengths & 15
        shared += groups.varint() if shared == 15 else 0
        rest += groups.varint() if rest == 15 else 0
        need(shared <= len(texts[-1]), "S17.4: more shared than there is")
        texts.append(texts[-1][:shared] + groups.take(rest))
    need(groups.rest() == 0 and all(a < b for a, b in zip(texts, texts[1:])), "S17.3: texts")
    return [text.decode("utf-8") for text in texts]


class Lists:
    """S17.5 to S17.7: lists of ordinals below n, and their heap."""

    def __init__(self, n, heap):
        self.n, self.heap = n, heap

    def read(self, pointer):
        if pointer == 0:
            return list(range(self.n))
        if pointer <= self.n:
            return [pointer - 1]
        return self.read_at(pointer - self.n - 1)

    def read_at(self, place, is_part=False):
        n = self.n
        need(place < len(self.heap), "S17.5: a list beyond the heap")
        data = Input(self.heap, place)
        tag, argument = data.u8(), data.varint()
        form, k = tag & 3, tag >> 3
        if form == 0:
            found = self.rice(data, argument, k)
        elif form == 1:
            bits = data.take((n + 7) // 8)
            found = [i for i in range(len(bits) * 8) if get_bits(bits, i, 1)]
        elif form == 2:
            found = list(pyroaring.BitMap.deserialize(data.take(argument)))
        else:
            need(argument <= 64 and not is_part, "S17.7: a union of unions")
            lists = [self.read_at(data.varint(), True) for _ in range(argument)]
            count = data.varint()
            found = sorted(set(self.rice(data, count, k)).union(*lists))
        need(all(ordinal < n for ordinal in found), "S17.7: an ordinal beyond the last")
        if tag & 4:
            found = sorted(set(range(n)).difference(found))
        return found

    @staticmethod
    def rice(data, count, k):
        at, following, found = data.at * 8, 0, []
        for _ in range(count):
            ones = 0
            while get_bits(data.data, at, 1):
                ones, at = ones + 1, at + 1
            found.append(following + (ones << k | get_bits(data.data, at + 1, k)))
            following, at = found[-1] + 1, at + 1 + k
        return found


class HashTable:
    """S17.8 to S17.10."""

    def __init__(self, data):
        self.bucket_bits, self.rest_bits, self.ordinal_bits = data.take(3)
        fences, self.entries = packed(data), packed(data)
        n = len(self.entries)
        need(len(fences) == (1 << self.bucket_bits) + 1, "S17.9: the number of fences")
        self.fences = [f + (u * n >> self.bucket_bits) - n for u, f in enumerate(fences)]
        need(self.fences[0] >= 0 and self.fences[-1] == n, "S17.9: fences")

    def find(self, hash_):
        bucket = hash_ >> (64 - self.bucket_bits)
        rest = hash_ >> (64 - self.bucket_bits - self.rest_bits) & ((1 << self.rest_bits) - 1)
        entries = self.entries[self.fences[bucket] : self.fences[bucket + 1]]
        mask = (1 << self.ordinal_bits) - 1
        return [entry & mask for entry in entries if entry >> self.ordinal_bits == rest]


Trace = namedtuple("Trace", "id first_row rows first_start last_start max_end max_duration flags")


class TraceTable:
    """S18.1 to S18.3."""

    def __init__(self, section):
        data = Input(section)
        count, page_traces = data.varint(), data.varint()
        offsets, begin, self.entries = packed(data), data.at, []
        need(len(offsets) == -(-count // page_traces) + 1, "S18.1: the number of pages")
        for page, offset in enumerate(offsets[:-1]):
            data.at = begin + offset
            rows, starts = ascending(data), ascending(data)
            columns = [packed(data) for _ in range(6)]
            columns.insert(2, starts)
            need(data.at == begin + offsets[page + 1], "S18.1: where a page ends")
            for i, (high, low, first, spread, length, longest, flags) in enumerate(zip(*columns)):
                id_ = b"".join((n >> 1 ^ -(n & 1) & M64).to_bytes(8, "big") for n in (high, low))
                times = [first, min(first + share(spread, length), M64), (first + length) & M64]
                longest = share(longest, length)
                own = rows[i], rows[i + 1] - rows[i]
                self.entries.append(Trace(id_, *own, *times, longest, flags))
        need(len(self.entries) == count, "S18.1: the number of traces")


class Covered(namedtuple("Covered", "homes table")):
    """S18.46."""

    @staticmethod
    def words(text):
        runs = [run for run in re.findall("[A-Za-z0-9_]+", text) if len(run) >= 4 and run != text]
        return [text, *runs[:16]]


class Scarce:
    """S18.47: keys and texts without entries."""

    def __init__(self, data, traces):
        self.shift, self.kind, self.table = data.u8(), data.u8(), HashTable(data)
        need(self.shift <= 6 and data.rest() == 0, "S18.47: the table of scarce keys")
        need(self.kind <= 2, "S18.49: a kind of tokens")
        mask, groups = (1 << self.table.ordinal_bits) - 1, -(-traces >> self.shift)
        need(all(entry & mask < groups for entry in self.table.entries), "S18.47: a group")

    def token(self, text, whole):
        """S18.49: what is hashed."""
        runs = re.findall((b"(?!)", b"[0-9]{3,}", b"[A-Za-z0-9]{3,}")[self.kind], text)
        return max((run for run in runs if re.search(b"[0-9]", run)), key=len, default=whole)


class TagIndex:
    """S18.10 to S18.23: the keys with their lists and parts, and those that have none."""

    def __init__(self, section, dictionaries, traces):
        data, self.dictionaries = Input(unfolded(Input(section))), unfolded(Input(dictionaries))
        need(data.varint() == traces, "S18.10: the number of traces")
        directory, records, parts = (data.varint() for _ in range(3))
        directory, records = Input(data.take(directory)), data.take(records)
        self.parts, self.lists = data.take(parts), Lists(traces, data.take(data.rest()))
        names, offsets = sorted_texts(directory), packed(directory)
        need(len(names) == len(offsets), "S18.10: a record for each key")
        self.keys = {}
        for name, offset in zip(names, offsets):
            record = Input(records, offset)
            pointer, begin, own = record.varint(), record.varint(), []
            for _ in range(record.varint()):
                code, length = record.u8(), record.varint()
                own.append((code & 15, code >> 4, begin, length))
                begin += length
            self.keys[SCOPES[ord(name[0])], name[1:].encode("utf-8")] = pointer, own

    def part(self, form, kind, begin, length):
        """S18.14: (values, pointers), a table of hashes, (shift, buckets, pointers), or another part."""
        data = Input(self.parts[begin : begin + length])
        if form == 2:
            return HashTable(data)
        if form == 4:
            homes = [(data.varint(), data.varint()) for _ in range(data.u8())]
            return Covered(homes, HashTable(data))
        if form == 3:
            return data.u8(), packed(data), packed(data)
        if form == 5:
            return Scarce(data, self.lists.n)
        if form == 6:
            need(kind == STRING, "S18.48: scarce texts")
            return data.varint()
        need(form < 2, "S18.14: a form of parts")
        if kind == STRING:
            place, length = data.varint(), data.varint()
            need(place + length <= len(self.dictionaries), "S18.15: where a dictionary is")
            values = sorted_texts(Input(self.dictionaries[place : place + length]))
        else:
            values = packed(data)
        if kind == INT:
            values = [signed(value ^ 1 << 63) for value in values]
        if kind == DOUBLE:
            values = [v ^ 1 << 63 if v >> 63 else v ^ M64 for v in values]
        return values, packed(data) if form == 0 else None

    def strings(self, scope, key):
        """S13.10: the dictionary of strings of a key."""
        for form, kind, begin, length in self.keys.get((scope, key), (0, []))[1]:
            if kind == STRING and form < 2:
                return self.part(form, kind, begin, length)[0]
        need(False, "S13.10: no dictionary of the key")
