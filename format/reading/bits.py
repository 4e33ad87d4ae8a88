"""Chapters 1 and 12 of SPEC.md: numbers, and the models of integers and texts."""

import zstandard

M64 = (1 << 64) - 1
MAX_SECTION = 268_435_456


class Damaged(Exception):
    """Bytes break a sentence of SPEC.md."""


def need(holds, what):
    """Raises `Damaged` unless a sentence holds."""
    if not holds:
        raise Damaged(what)


def signed(value):
    """S1.2: an i64 from a u64."""
    return value - (1 << 64) if value >> 63 else value


def unzigzag(value):
    """S1.5."""
    return (value >> 1) ^ -(value & 1)


def bit_length(value):
    """How many bits a number needs, 0 for 0."""
    return value.bit_length()


def get_bits(data, at, width):
    """S1.7: `width` bits at bit `at`."""
    end = (at + width + 7) >> 3
    need(end <= len(data), "bits beyond the end")
    return int.from_bytes(data[at >> 3 : end], "little") >> (at & 7) & ((1 << width) - 1)


class Input:
    """Reads small things one behind another."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def rest(self):
        return len(self.data) - self.at

    def take(self, length):
        need(length <= self.rest(), "bytes beyond the end")
        self.at += length
        return self.data[self.at - length : self.at]

    def u8(self):
        return self.take(1)[0]

    def number(self, length):
        return int.from_bytes(self.take(length), "little")

    def varint(self):
        """S1.4."""
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                need(value <= M64, "S1.4: a varint beyond 64 bits")
                return value
            shift += 7
            need(shift < 70, "S1.4: a varint beyond ten bytes")

    def signed(self):
        return unzigzag(self.varint())

    def prefixed(self):
        return self.take(self.varint())

    def text(self):
        return self.prefixed().decode("utf-8")


def varint(value):
    """S1.4: the bytes of a number, as few as can be."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def unzstd(frame, limit, stated=None, before=b""):
    """S1.10: one zstd frame that states its size, and nothing behind it; `before` is its dictionary."""
    try:
        size = zstandard.frame_content_size(frame)
        most = min(limit, len(frame) << 15)
        need(0 <= size <= most and stated in (None, size), "S1.10: the size of a frame")
        raw_content = zstandard.DICT_TYPE_RAWCONTENT
        known = zstandard.ZstdCompressionDict(before, dict_type=raw_content) if before else None
        decoder = zstandard.ZstdDecompressor(dict_data=known).decompressobj()
        raw = decoder.decompress(bytes(frame))
    except zstandard.ZstdError as error:
        raise Damaged(f"S1.10: {error}") from error
    need(decoder.eof and not decoder.unused_data, "S1.10: exactly one frame")
    need(len(raw) == size, "S1.10: a frame of another size")
    return raw


class Ints:
    """S12.1 to S12.6: a model of integers. `run` reads the n values of a run at a bit."""

    def __init__(self, data, in_dictionary=False):
        self.tag = tag = data.u8()
        need(tag <= (3 if in_dictionary else 4), "S12.1: a tag of integers")
        if tag == 0:
            self.value = data.signed()
        elif tag == 4:
            self.values = [data.signed() for _ in range(data.varint())]
            self.codes = Ints(data, in_dictionary=True)
        else:
            self.base, self.step = data.signed(), data.varint()
            need(self.step > 0, "S12.2: a step of 0")
            self.widths = list(data.take(1 if tag == 1 else data.u8()))
            ascending = all(a < b for a, b in zip(self.widths, self.widths[1:]))
            count_fits = len(self.widths) == 1 if tag == 1 else len(self.widths) in (2, 4)
            need(count_fits and ascending and self.widths[-1] <= 64, "S12.4: widths")
            need(tag != 1 or self.widths[0] > 0, "S12.1: a width of 0")
            need(tag != 3 or self.widths[-1] == 64, "S12.4: a raw class of fewer bits")

    def is_fixed(self):
        """S13.11."""
        return self.codes.is_fixed() if self.tag == 4 else self.tag < 2

    def scaled(self, number):
        return signed((self.base + number * self.step) & M64)

    def run(self, data, at, n):
        """The values of a run, and the bit behind it."""
        if self.tag == 0:
            return [self.value] * n, at
        if self.tag == 4:
            codes, at = self.codes.run(data, at, n)
            need(all(0 <= code < len(self.values) for code in codes), "S12.6: a code")
            return [self.values[code] for code in codes], at
        if self.tag == 1:
            width = self.widths[0]
            numbers = [get_bits(data, at + i * width, width) for i in range(n)]
            return [self.scaled(number) for number in numbers], at + n * width
        planes = 1 if len(self.widths) == 2 else 2
        selectors = [
            sum(get_bits(data, at + plane * n + i, 1) << plane for plane in range(planes))
            for i in range(n)
        ]
        at += planes * n
        values = [0] * n
        for number, width in enumerate(self.widths):
            for i in (i for i, selector in enumerate(selectors) if selector == number):
                bits = get_bits(data, at, width)
                at += width
                raw = self.tag == 3 and number == len(self.widths) - 1
                values[i] = signed(bits) if raw else self.scaled(bits)
        return values, at


class Texts:
    """S12.7 to S12.12: a model of texts. `words` is filled once the whole section is read."""

    def __init__(self, data, words):
        self.tag = data.u8()
        need(self.tag in (0, 2, 3), "S12.7: a tag of texts")
        if self.tag == 0:
            self.patterns = [Pattern.constant(data.text())]
        elif self.tag == 2:
            self.patterns = [Pattern(data, words)]
        else:
            forms = data.u8()
            need(1 <= forms <= 64, "S12.11: the number of forms")
            self.patterns = [Pattern(data, words) for _ in range(forms)]

    def run(self, data, at, n):
        planes = bit_length(len(self.patterns) - 1)
        forms = [
            sum(get_bits(data, at + plane * n + row, 1) << plane for plane in range(planes))
            for row in range(n)
        ]
        need(all(form < len(self.patterns) for form in forms), "S12.11: a form beyond the last")
        at += planes * n
        runs = []
        for number, pattern in enumerate(self.patterns):
            texts, at = pattern.run(data, at, forms.count(number))
            runs.append(iter(texts))
        return [next(runs[form]) for form in forms], at


class Pattern:
    """S12.8 to S12.10."""

    def __init__(self, data, words):
        self.words = words
        count = data.u8()
        need(count <= 32, "S12.8: the number of parts")
        self.parts = [self.part(data.u8(), data) for _ in range(count)]

    @classmethod
    def constant(cls, text):
        pattern = cls(Input(b"\0"), [])
        pattern.parts = [(0, text)]
        return pattern

    @staticmethod
    def part(tag, data):
        need(tag <= 8, "S12.8: a tag of parts")
        if tag == 0:
            return tag, data.text()
        if tag in (2, 3):
            length = data.u8()
            need(length > 0, "S12.8: hex of no bytes")
            return tag, length
        if tag in (4, 7, 8):
            return tag, Ints(data)
        if tag == 5:
            digits = data.u8()
            need(1 <= digits <= 18, "S12.8: padded digits")
            return tag, (digits, Ints(data))
        if tag == 6:
            version = data.u8()
            need(version < 16, "S12.8: the version of a UUID")
            return tag, version
        return tag, None

    def run(self, data, at, n):
        columns = []
        for tag, what in self.parts:
            if tag == 0:
                column = [what] * n
            elif tag in (1, 6):
                width = 128 if tag == 1 else 122
                numbers = [get_bits(data, at + i * width, width) for i in range(n)]
                numbers = [whole_uuid(number, what) for number in numbers] if tag == 6 else numbers
                hexes = [f"{number:032x}" for number in numbers]
                column = ["-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:])) for h in hexes]
                at += n * width
            elif tag in (2, 3):
                width = what * 8
                numbers = [get_bits(data, at + i * width, width) for i in range(n)]
                column = [number.to_bytes(what, "little").hex() for number in numbers]
                column = [text.upper() for text in column] if tag == 3 else column
                at += n * width
            elif tag in (7, 8):
                codes, at = what.run(data, at, n)
                need(all(0 <= code < len(self.words) for code in codes), "S12.12: a code")
                column = [self.words[code] for code in codes]
            else:
                digits, model = what if tag == 5 else (0, what)
                numbers, at = model.run(data, at, n)
                column = [("-" if v < 0 else "") + f"{abs(v):0{digits}d}" for v in numbers]
            columns.append(column)
        return ["".join(parts) for parts in zip(*columns)] if columns else [""] * n, at


def whole_uuid(bits, version):
    """S12.10: the number of a UUID of this version, given its 122 bits."""
    low, middle, high = bits & (1 << 62) - 1, bits >> 62 & 0xFFF, bits >> 74
    return low | 2 << 62 | middle << 64 | version << 76 | high << 80
