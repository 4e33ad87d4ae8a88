"""Chapters 4 and 23 of SPEC.md: canonical protobuf to OTLP JSON, as `tracekeep dump` prints it."""

import base64
import math
import re
import struct

from .bits import Input, need, signed

# Message: {field number: (JSON name, kind)}; members are printed in this order.
TEXT, ID, COUNT, ENUM, TIME, FIXED = "text", "id", "count", "enum", "time", "fixed"
SPAN, EVENT, LINK, STATUS = {}, {}, {}, {}
RESOURCE, SCOPE, ENTITY = {}, {}, {}
SPAN.update({
    1: ("traceId", ID), 2: ("spanId", ID), 3: ("traceState", TEXT), 4: ("parentSpanId", ID),
    16: ("flags", FIXED), 5: ("name", TEXT), 6: ("kind", ENUM), 7: ("startTimeUnixNano", TIME),
    8: ("endTimeUnixNano", TIME), 9: ("attributes", "attributes"),
    10: ("droppedAttributesCount", COUNT), 11: ("events", [EVENT]),
    12: ("droppedEventsCount", COUNT), 13: ("links", [LINK]), 14: ("droppedLinksCount", COUNT),
    15: ("status", STATUS),
})
EVENT.update({1: ("timeUnixNano", TIME), 2: ("name", TEXT), 3: ("attributes", "attributes"),
              4: ("droppedAttributesCount", COUNT)})
LINK.update({1: ("traceId", ID), 2: ("spanId", ID), 3: ("traceState", TEXT),
             4: ("attributes", "attributes"), 5: ("droppedAttributesCount", COUNT),
             6: ("flags", FIXED)})
STATUS.update({2: ("message", TEXT), 3: ("code", ENUM)})
RESOURCE.update({1: ("attributes", "attributes"), 2: ("droppedAttributesCount", COUNT),
                 3: ("entityRefs", [ENTITY])})
ENTITY.update({1: ("schemaUrl", TEXT), 2: ("type", TEXT), 3: ("idKeys", [TEXT]),
               4: ("descriptionKeys", [TEXT])})
SCOPE.update({1: ("name", TEXT), 2: ("version", TEXT), 3: ("attributes", "attributes"),
              4: ("droppedAttributesCount", COUNT)})

ESCAPED = re.compile(r'[\x00-\x1f"\\]')
SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
DEEPEST_JSON = 24


def fields(message):
    """The fields of a message: number, value (int or bytes), all bytes of the field."""
    data = Input(message)
    while data.rest():
        begin = data.at
        tag = data.varint()
        value = field_value(data, tag)
        yield tag >> 3, value, message[begin : data.at]


def field_value(data, tag):
    wire = tag & 7
    if wire == 0:
        return data.varint()
    if wire == 1:
        return data.number(8)
    if wire == 2:
        return data.prefixed()
    if wire == 5:
        return data.number(4)
    need(wire == 3, "S4.6: a field that is none")
    while (inner := data.varint()) != (tag >> 3) << 3 | 4:
        need(inner & 7 != 4, "S4.6: a group that ends as another")
        field_value(data, inner)
    return None


def string(text):
    return '"' + ESCAPED.sub(lambda c: SHORT.get(c[0], f"\\u{ord(c[0]):04x}"), text) + '"'


def blob(data):
    return '"' + base64.b64encode(data).decode() + '"'


def message(data, schema):
    """A message as a JSON object."""
    found, unknown = {}, b""
    for number, value, raw in fields(data):
        if number in schema:
            found.setdefault(number, []).append(value)
        else:
            unknown += raw
    members = [
        string(name) + ":" + member(found[number], kind)
        for number, (name, kind) in schema.items() if number in found
    ]
    if unknown:
        members.append('"tracekeep.unknown":' + blob(unknown))
    return "{" + ",".join(members) + "}"


def member(values, kind):
    if kind is TEXT:
        return string(values[0].decode("utf-8"))
    if kind is ID:
        return '"' + values[0].hex() + '"'
    if kind is TIME:
        return f'"{values[0]}"'
    if kind is ENUM:
        return str(signed(values[0]))
    if kind in (COUNT, FIXED):
        return str(values[0])
    if kind == "attributes":
        return "[" + ",".join(map(attribute, values)) + "]"
    if isinstance(kind, list):
        inner = kind[0]
        each = [member([v], TEXT) if inner is TEXT else message(v, inner) for v in values]
        return "[" + ",".join(each) + "]"
    return message(values[0], kind)


def attribute(pair):
    """A `KeyValue`; raw if JSON cannot say it (S23.4)."""
    key, raw = b"", pair
    parts = list(fields(pair))
    if parts and parts[0][0] == 1:
        key, raw = parts[0][1], pair[len(parts[0][2]) :]
    if not is_plain_pair(pair, 0):
        return '{"key":' + string(key.decode("utf-8")) + ',"tracekeep.raw":' + blob(raw) + "}"
    return key_value(pair)


def is_plain_pair(pair, depth):
    parts = list(fields(pair))
    return all(n in (1, 2) for n, _, _ in parts) and all(
        is_plain(value, depth) for n, value, _ in parts if n == 2
    )


def is_plain(value, depth):
    """Whether there are no unknown fields inside, and not too many levels."""
    for number, inner, _ in fields(value):
        if not 1 <= number <= 7:
            return False
        if number in (5, 6):
            check = is_plain if number == 5 else is_plain_pair
            if depth >= DEEPEST_JSON:
                return False
            if not all(n == 1 and check(item, depth + 1) for n, item, _ in fields(inner)):
                return False
    return True


def key_value(pair):
    parts = {number: value for number, value, _ in fields(pair)}
    members = ['"key":' + string(parts.get(1, b"").decode("utf-8"))]
    if 2 in parts:
        members.append('"value":' + any_value(parts[2]))
    return "{" + ",".join(members) + "}"


def any_value(value):
    for number, inner, _ in fields(value):
        if number == 1:
            return '{"stringValue":' + string(inner.decode("utf-8")) + "}"
        if number == 2:
            return '{"boolValue":' + ("true" if inner else "false") + "}"
        if number == 3:
            return '{"intValue":"' + str(signed(inner)) + '"}'
        if number == 4:
            return '{"doubleValue":' + double(inner) + "}"
        if number == 7:
            return '{"bytesValue":' + blob(inner) + "}"
        name, print_item = ("arrayValue", any_value) if number == 5 else ("kvlistValue", key_value)
        items = ",".join(print_item(item) for _, item, _ in fields(inner))
        return '{"' + name + '":{"values":[' + items + "]}}"
    return "{}"


def double(bits):
    """S23.3: the shortest digits; NaNs other than the usual one with their bits."""
    value = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    if math.isnan(value):
        usual = bits == 0x7FF8000000000000
        return '"NaN"' + ("" if usual else f',"tracekeep.doubleBits":"{bits}"')
    if math.isinf(value):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    return re.sub(r"e([-+])0*(\d+)", lambda e: "e" + e[1].strip("+") + e[2], repr(value))


def request(resource, scope, span):
    """S23.1: a request with one span, from the canonical bytes of its three parts."""
    inner = '"spans":[' + message(span, SPAN) + "]"
    outer = '"scopeSpans":[{' + around(scope, "scope", SCOPE, inner) + "}]"
    return '{"resourceSpans":[{' + around(resource, "resource", RESOURCE, outer) + "}]}"


def around(context, name, schema, children):
    """The members of a context, with its children behind field 1."""
    members, unknown = [children], b""
    for number, value, raw in fields(context):
        if number == 1:
            members.insert(0, f'"{name}":' + message(value, schema))
        elif number == 3:
            members.append('"schemaUrl":' + string(value.decode("utf-8")))
        else:
            unknown += raw
    if unknown:
        members.append('"tracekeep.unknown":' + blob(unknown))
    return ",".join(members)
