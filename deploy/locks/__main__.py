"""`python -m deploy.locks check` and `… compile [NAME…] [--upgrade [PACKAGE…]]`."""

from __future__ import annotations

import argparse
import subprocess
import sys

from deploy.locks.compile import compile_lock
from deploy.locks.lock import load_locks
from deploy.locks.verify import problems


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.verb == "check":
        found = problems()
        print("\n".join(found) or "locks: up to date")
        return 1 if found else 0
    for name, lock in load_locks().items():
        if arguments.names and name not in arguments.names:
            continue
        print(f"compiling {name}")
        try:
            compile_lock(lock, upgrade=arguments.upgrade)
        except subprocess.CalledProcessError as error:
            return error.returncode
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.locks")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("check", help="are the locks those of their inputs?")
    compiling = verbs.add_parser("compile", help="compile the locks (needs uv and a package index)")
    compiling.add_argument("names", nargs="*", metavar="NAME", help="locks to compile; none: all")
    compiling.add_argument(
        "--upgrade", nargs="*", metavar="PACKAGE", help="raise these packages; none named: all"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
