#!/usr/bin/env python3
"""Reads a Tracekeep segment by SPEC.md alone, and prints its spans as OTLP JSON, one a line.

    reader.py FILE.seg           the spans, as `tracekeep --store FILE.seg dump` has them
    reader.py --check FILE.seg   compares indexes and statistics with the rows

Needs Python 3.9, and `zstandard` and `pyroaring` from PyPI. Numbers in errors, such as S9.3, are
sentences of SPEC.md. Written to be compared with, not to be fast.
"""

import argparse
import os
import sys

from reading import otlp_json
from reading.bits import Damaged
from reading.check import check
from reading.segment import Segment


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file")
    parser.add_argument("--check", action="store_true", help="compare indexes with the rows")
    arguments = parser.parse_args()
    try:
        with open(arguments.file, "rb") as file:
            segment = Segment(file.read())
        if arguments.check:
            print(check(segment))
            return
        for _, resource, scope, _, span in segment.spans():
            line = otlp_json.request(segment.resources[resource], segment.scopes[scope], span)
            sys.stdout.buffer.write(line.encode("utf-8") + b"\n")
        sys.stdout.flush()
    except Damaged as damage:
        sys.exit(f"{arguments.file}: damaged: {damage}")
    except (LookupError, ArithmeticError, ValueError) as error:
        # A number that names nothing: what every sentence forbids that defines a code.
        sys.exit(f"{arguments.file}: damaged: {error!r}")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
