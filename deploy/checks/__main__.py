"""`python -m deploy.checks`: the house rules over every file of the repository."""

from __future__ import annotations

import sys

from deploy.checks import addresses, length, source
from deploy.locks.lock import ROOT


def main() -> int:
    files = list(source.files(ROOT))
    found = [*length.problems(files), *addresses.problems(files)]
    print("\n".join(found) or f"house rules: kept in {len(files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
