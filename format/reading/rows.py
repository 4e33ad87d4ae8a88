"""Chapters 13 and 16 of SPEC.md: from slots to the canonical bytes of a span."""

from .bits import M64, need, varint
from .otlp_json import fields

# S13.2
TRACE_STATE, FLAGS, DROPPED_ATTRIBUTES, UNKNOWN = 1, 2, 4, 8
DROPPED_EVENTS, DROPPED_LINKS, STATUS, STATUS_MESSAGE, STATUS_UNKNOWN = 16, 32, 64, 128, 256
MASKS = {"span": 511, "event": 4 | 8, "link": 1 | 2 | 4 | 8}

# S13.3: what the slot of each type holds
SLOTS = [None, None, "int", "int", "int", "text", "bytes", "bytes", "bytes", "bytes"]


def delimited(tag, data):
    return bytes([tag]) + varint(len(data)) + data


def unless_empty(tag, data):
    return delimited(tag, data) if data else b""


def count(tag, value):
    return bytes([tag]) + varint(value & M64) if value else b""


def fixed(tag, value, length):
    return tag + value.to_bytes(length, "little") if value else b""


def attribute(tag, key, kind, slots):
    """S13.3: a `KeyValue` under a tag, by its type."""
    value = None if SLOTS[kind] is None else next(slots)
    if kind == 0:
        member = b""
    elif kind == 9:
        member = value
    else:
        inner = {
            1: lambda: b"",
            2: lambda: bytes([0x10, value != 0]),
            3: lambda: b"\x18" + varint(value & M64),
            4: lambda: b"\x21" + (value & M64).to_bytes(8, "little"),
            5: lambda: delimited(0x0A, value),
            6: lambda: delimited(0x3A, value),
            7: lambda: delimited(0x2A, value),
            8: lambda: delimited(0x32, value),
        }[kind]()
        member = delimited(0x12, inner)
    return delimited(tag, unless_empty(0x0A, key) + member)


class Template:
    """A template from its skeleton."""

    def __init__(self, data):
        self.scope, self.name = data.varint(), data.prefixed()
        self.kind, self.mask = data.signed(), self.read_mask(data, "span")
        self.status = data.signed() if self.mask & STATUS else None
        self.attributes = self.read_attributes(data)
        self.events = [
            (self.read_mask(data, "event"), data.prefixed(), self.read_attributes(data))
            for _ in range(data.varint())
        ]
        self.links = [
            (self.read_mask(data, "link"), self.read_attributes(data))
            for _ in range(data.varint())
        ]
        need(data.rest() == 0, "S13.1: bytes behind a skeleton")
        self.slots = list(self.list_slots())

    @staticmethod
    def read_mask(data, message):
        mask = data.varint()
        need(mask & ~MASKS[message] == 0, "S13.2: a mask")
        return mask

    @staticmethod
    def read_attributes(data):
        attributes = [(data.prefixed(), data.u8()) for _ in range(data.varint())]
        need(all(kind < len(SLOTS) for _, kind in attributes), "S13.3: a type")
        return attributes

    def list_slots(self):
        """S13.6: what each slot holds, and the scope and key of its dictionary."""
        mask = self.mask
        if mask & TRACE_STATE:
            yield "text", None
        for bit in (FLAGS, DROPPED_ATTRIBUTES, DROPPED_EVENTS, DROPPED_LINKS):
            if mask & bit:
                yield "int", None
        if mask & UNKNOWN:
            yield "bytes", None
        if mask & STATUS_MESSAGE:
            yield "text", ("intrinsic", b"statusMessage")
        if mask & STATUS_UNKNOWN:
            yield "bytes", None
        yield from self.attribute_slots("span", self.attributes)
        for mask, _, attributes in self.events:
            yield "int", None
            if mask & DROPPED_ATTRIBUTES:
                yield "int", None
            if mask & UNKNOWN:
                yield "bytes", None
            yield from self.attribute_slots("event", attributes)
        for mask, attributes in self.links:
            yield from [("int", None)] * 3
            if mask & TRACE_STATE:
                yield "text", None
            for bit in (FLAGS, DROPPED_ATTRIBUTES):
                if mask & bit:
                    yield "int", None
            if mask & UNKNOWN:
                yield "bytes", None
            yield from self.attribute_slots("link", attributes)

    @staticmethod
    def attribute_slots(owner, attributes):
        for key, kind in attributes:
            if SLOTS[kind]:
                yield SLOTS[kind], (owner, key)

    def span(self, values, trace_id, span_id, parent, start, end):
        """S16.4: the canonical bytes of a span."""
        slots, mask = iter(values), self.mask

        def slot(present, absent):
            return next(slots) if present else absent

        trace_state, flags = slot(mask & TRACE_STATE, b""), slot(mask & FLAGS, 0)
        dropped = slot(mask & DROPPED_ATTRIBUTES, 0)
        dropped_events, dropped_links = slot(mask & DROPPED_EVENTS, 0), slot(mask & DROPPED_LINKS, 0)
        unknown = slot(mask & UNKNOWN, b"")
        message, status_unknown = slot(mask & STATUS_MESSAGE, b""), slot(mask & STATUS_UNKNOWN, b"")
        attributes = b"".join(attribute(0x4A, *shape, slots) for shape in self.attributes)
        events = b"".join(self.event(shape, start, slots) for shape in self.events)
        links = b"".join(self.link(shape, slots) for shape in self.links)
        status = b""
        if self.status is not None:
            code = count(0x18, self.status)
            status = delimited(0x7A, unless_empty(0x12, message) + code + status_unknown)
        return b"".join([
            own_fields(trace_id, span_id, trace_state, parent),
            unless_empty(0x2A, self.name), count(0x30, self.kind),
            fixed(b"\x39", start, 8), fixed(b"\x41", end, 8),
            attributes, count(0x50, dropped), events, count(0x60, dropped_events),
            links, count(0x70, dropped_links), status,
            fixed(b"\x85\x01", flags, 4), unknown,
        ])

    @staticmethod
    def event(shape, start, slots):
        mask, name, attributes = shape
        time = (start + next(slots)) & M64
        dropped = next(slots) if mask & DROPPED_ATTRIBUTES else 0
        unknown = next(slots) if mask & UNKNOWN else b""
        inside = b"".join(attribute(0x1A, *pair, slots) for pair in attributes)
        head = fixed(b"\x09", time, 8) + unless_empty(0x12, name)
        return delimited(0x5A, head + inside + count(0x20, dropped) + unknown)

    @staticmethod
    def link(shape, slots):
        mask, attributes = shape
        high, low, span_id = ((next(slots) & M64).to_bytes(8, "big") for _ in range(3))
        trace_state = next(slots) if mask & TRACE_STATE else b""
        flags = next(slots) if mask & FLAGS else 0
        dropped = next(slots) if mask & DROPPED_ATTRIBUTES else 0
        unknown = next(slots) if mask & UNKNOWN else b""
        inside = b"".join(attribute(0x22, *pair, slots) for pair in attributes)
        head = delimited(0x0A, high + low) + delimited(0x12, span_id)
        head += unless_empty(0x1A, trace_state)
        tail = count(0x28, dropped) + fixed(b"\x35", flags, 4) + unknown
        return delimited(0x6A, head + inside + tail)


def own_fields(trace_id, span_id, trace_state, parent):
    head = delimited(0x0A, trace_id) + delimited(0x12, span_id) + unless_empty(0x1A, trace_state)
    return head if parent is None else head + delimited(0x22, parent)


def spelled_span(spelled, trace_id, span_id, parent, start, end):
    """S16.5: a spelled span with its own fields put in."""
    bare = own_fields(bytes(16), bytes(8), b"", None)
    need(spelled.startswith(bare), "S13.8: a spelled span without its zero ids")
    before, behind, trace_state = b"", b"", b""
    for number, value, raw in fields(spelled[len(bare) :]):
        need(number not in (1, 2, 4, 7, 8), "S13.8: a spelled span with fields of its row")
        if number == 3:
            trace_state = value
        elif number in (5, 6):
            before += raw
        else:
            behind += raw
    times = fixed(b"\x39", start, 8) + fixed(b"\x41", end, 8)
    return own_fields(trace_id, span_id, trace_state, parent) + before + times + behind
