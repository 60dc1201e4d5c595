"""`make gpu`: everything that wants a GPU, what matters most first, each part in its time.

What was done is kept when it is cut: each part's output goes to a file line by line, and the
benches write docs/benchmarks.md row by row. Runs with any Python that has the modules.
"""

import argparse
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PYTEST = ("-m", "pytest", "--confcutdir", "tests/gpu", "-o", "timeout=240", "tests/gpu")
_BENCH = ("-m", "tests.bench.chatterbox")
_FIRST = ("attention", "graph", "decode", "precision", "vocode", "model")
_LATER = ("engine", "joints", "listener", "contract", "memory")


@dataclass(frozen=True, slots=True)
class Part:
    """One command.

    Attributes:
        arguments: of Python.
        minutes: after which it is ended.
    """

    name: str
    arguments: tuple[str, ...]
    minutes: float


PARTS = (
    Part("tests", (*_PYTEST, *(f"--ignore=tests/gpu/test_{name}.py" for name in _LATER)), 7),
    Part("bench", (*_BENCH, "--minutes", "7.5"), 8),
    Part("more-tests", (*_PYTEST, *(f"--ignore=tests/gpu/test_{name}.py" for name in _FIRST)), 6),
    Part("bench-tf32", (*_BENCH, "--tf32", "--sizes", "", "--seconds", "3", "--minutes", "2"), 3),
    Part("bench-asr", ("-m", "tests.bench.asr", "asr-gpu"), 5),
)


def main() -> int:
    """Run the parts that are asked for; 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu")
    names = ", ".join(part.name for part in PARTS)
    parser.add_argument("parts", nargs="*", help=f"of {names}; none: all")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "gpu", help="for the logs")
    arguments = parser.parse_args()
    if unknown := {*arguments.parts} - {part.name for part in PARTS}:
        parser.error(f"there is no part {', '.join(unknown)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = [part for part in PARTS if part.name in arguments.parts or not arguments.parts]
    ended = {part.name: _run(part, arguments.out) for part in wanted}
    shutil.copy(ROOT / "docs" / "benchmarks.md", arguments.out)
    for name, how in ended.items():
        sys.stdout.write(f"{name}: {how}\n")
    return int(any(how != "done" for how in ended.values()))


def _run(part: Part, out: Path) -> str:
    """Run a part; how it ended."""
    began = time.monotonic()
    sys.stdout.write(f"== {part.name}, at most {part.minutes:g} minutes\n")
    with (
        (out / f"{part.name}.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-u", *part.arguments],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as running,
    ):  # fmt: skip
        cut = threading.Timer(60 * part.minutes, running.kill)
        cut.start()
        for line in running.stdout or ():
            for where in (log, sys.stdout):
                where.write(line)
                where.flush()
        code = running.wait()
        over = cut.is_alive()
        cut.cancel()
    took = time.monotonic() - began
    if not over:
        return f"cut after {took:.0f} s"
    return "done" if code == 0 else f"failed with {code} after {took:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
