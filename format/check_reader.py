#!/usr/bin/env python3
"""Compares reader.py, which was written from SPEC.md alone, with `tracekeep dump`.

    check_reader.py TRACEKEEP [--data CAPTURE]... [--corrupt FILE]... [SEGMENT]...

The lines of both, sorted, must be equal, and the reader's check of the indexes must agree. Captures
are imported into a store of their own, whose segments are compared. Of a corrupt segment the reader
must print what `dump` prints, or say that it is damaged.
"""

import argparse
import glob
import os
import subprocess
import sys
import tempfile

READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reader.py")


def run(*arguments, check=True):
    return subprocess.run(arguments, check=check, capture_output=True)


def lines(output):
    return sorted(output.splitlines())


def compare(command, path):
    ours = lines(run(sys.executable, READER, path).stdout)
    theirs = lines(run(command, "--store", path, "dump").stdout)
    if ours != theirs:
        differ = next((pair for pair in zip(ours, theirs) if pair[0] != pair[1]), None)
        sys.exit(f"{path}: {len(ours)} lines are read, {len(theirs)} dumped, such as {differ}")
    checked = run(sys.executable, READER, "--check", path).stdout.decode().strip()
    print(f"{path}: {checked}", flush=True)


def compare_corrupt(command, path):
    ours = run(sys.executable, READER, "--check", path, check=False)
    if ours.returncode and b"damaged:" not in ours.stderr:
        sys.exit(f"{path}: {ours.stderr.decode()}")
    if ours.returncode == 0:
        read = lines(run(sys.executable, READER, path).stdout)
        if read != lines(run(command, "--store", path, "dump").stdout):
            sys.exit(f"{path}: the reader takes other spans for sound")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("command")
    parser.add_argument("segments", nargs="*")
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--corrupt", action="append", default=[])
    arguments = parser.parse_args()
    for path in arguments.segments:
        compare(arguments.command, path)
    for capture in arguments.data:
        with tempfile.TemporaryDirectory() as folder:
            store = os.path.join(folder, "store")
            run(arguments.command, "--store", store, "import", capture)
            segments = sorted(glob.glob(os.path.join(store, "*", "*.seg")))
            if not segments:
                sys.exit(f"{capture} makes no segment")
            for path in segments:
                compare(arguments.command, path)
    for path in arguments.corrupt:
        compare_corrupt(arguments.command, path)


if __name__ == "__main__":
    main()
