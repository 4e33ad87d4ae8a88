#!/usr/bin/env python3
"""Compares the worked examples of SPEC.md (chapter 22) with the golden files whose bytes they tell.

    check_examples.py

A block of the chapter begins with what its bytes are of: `-- FILE (N bytes)`, or
`-- FILE.seg, section K (N bytes)` for the raw bytes of a section. Each line tells an offset, bytes,
and, three spaces behind them, their meaning, which may go on in lines that begin with forty spaces;
`..` stands for all up to the next line's offset.
"""

import os
import re
import sys

from reading.bits import Input
from reading.indexes import unfolded
from reading.segment import DICTIONARIES, TERMS, Segment

FOLDER = os.path.dirname(os.path.abspath(__file__))
BLOCK = re.compile(r"^```\n-- (\S+?)(?:, section (\d+))? \((\d+) bytes\)\n(.*?)^```$", re.M | re.S)
LINE = re.compile(r"([0-9a-f]{4})  ((?:(?:[0-9a-f]{2}|\.\.) {0,2})+)(?: .*)?")


def image(path, section):
    """The bytes that a block tells."""
    with open(os.path.join(FOLDER, path), "rb") as file:
        data = file.read()
    if not section:
        return data
    raw = Segment(data).sections[int(section)]
    return unfolded(Input(raw)) if int(section) in (TERMS, DICTIONARIES) else raw


def compare(data, text):
    """How many bytes were compared, and the first line that is not as they are, if one is not."""
    lines = [line for line in text.splitlines() if line[:40].strip()]
    parts, compared = [LINE.fullmatch(line) for line in lines], 0
    if not lines or None in parts:
        return 0, lines[parts.index(None)] if lines else "no lines"
    begins = [int(part[1], 16) for part in parts]
    for line, part, begin, end in zip(lines, parts, begins, [*begins[1:], None]):
        head, *tail = [bytes.fromhex(told) for told in part[2].split("..")]
        rest = data[begin:] if end is None else data[begin:end]
        if len(tail) == 1:
            whole = rest.startswith(head) and rest.endswith(tail[0])
        else:
            whole = not tail and rest[: len(head)] == head and end in (None, begin + len(head))
        if not whole or len(head) + sum(map(len, tail)) > len(rest):
            return compared, line
        compared += len(head) + sum(map(len, tail))
    return compared, None


def main():
    with open(os.path.join(FOLDER, "SPEC.md"), encoding="utf-8") as file:
        chapter = file.read().split("\n## 22. ")[1].split("\n## 23. ")[0]
    blocks, total = BLOCK.findall(chapter), 0
    if not blocks or len(blocks) * 2 != len(re.findall("^```", chapter, re.M)):
        sys.exit("SPEC.md, chapter 22: a block that does not say what its bytes are of")
    for path, section, length, text in blocks:
        data = image(path, section)
        if len(data) != int(length):
            sys.exit(f"{path} {section}: {len(data)} bytes, told are {length}")
        compared, wrong = compare(data, text)
        if wrong:
            sys.exit(f"{path} {section}: not so: {wrong}")
        total += compared
    print(f"SPEC.md, chapter 22: {len(blocks)} blocks, {total} bytes agree")


if __name__ == "__main__":
    main()
