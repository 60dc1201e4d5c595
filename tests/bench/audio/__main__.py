"""``make bench-audio``: measure rates, codecs and tempo; writes docs/benchmarks.md."""

import argparse
import asyncio
import sys

from tests.bench.audio import codecs, first, resampling
from tests.bench.report import Table, write


def first_sound() -> Table:
    """From chunk to client."""
    return asyncio.run(first.table(times=40))


def main() -> int:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of sound in each run")
    seconds = parser.parse_args().seconds
    tables = [
        resampling.table(seconds),
        codecs.encoding(seconds),
        codecs.decoding(seconds),
        codecs.stretching(seconds),
    ]
    write("audio", "Sound: rates, codecs and tempo", "make bench-audio", tables)
    write("first-sound", "Sound: how soon it is heard", "make bench-audio", [first_sound()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
