"""`python -m deploy.environment FOLDER LOCK…`: make a virtual environment from the locks."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.environment.environment import ensure
from deploy.locks.lock import Lock, load_locks
from deploy.problem import Problem


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, *names = arguments
    try:
        ensure(Path(folder), _locks(names))
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _locks(names: list[str]) -> list[Lock]:
    known = load_locks()
    if unknown := sorted(set(names) - set(known)):
        raise Problem(f"no such lock: {', '.join(unknown)}", f"the locks are {', '.join(known)}")
    return [known[name] for name in names]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
