"""`python -m deploy.docs` writes the generated documents; `--check` says which are out of date."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from deploy.docs import compose, configuration, dialogue, metrics, modules, protocol
from deploy.locks.lock import ROOT

DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "docs/protocol.md": protocol.document,
    "docs/dialogue.md": dialogue.document,
    "docs/configuration.md": configuration.document,
    "docs/metrics.md": metrics.document,
    "docs/modules.md": modules.document,
    ".env.example": configuration.example,
    "docker-compose.yml": compose.document,
}


def main(arguments: list[str]) -> int:
    checking = arguments == ["--check"]
    stale = []
    for name, make in DOCUMENTS.items():
        path, text = ROOT / name, make()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not checking:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
    if checking and stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`")
        return 1
    print("documents: " + (f"wrote {', '.join(stale)}" if stale else "up to date"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
