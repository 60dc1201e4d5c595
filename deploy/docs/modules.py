"""docs/modules.md: every module on one line, from the first line of its docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from deploy.docs.table import table
from deploy.locks.lock import ROOT

PACKAGES = ("shared", "services", "deploy")
HEAD = """\
# Modules

Generated from the modules' docstrings by `make docs`; do not edit. How they stand on each other is
in [architecture.md](architecture.md).
"""


def document(root: Path = ROOT) -> str:
    """The whole page."""
    parts = [HEAD]
    for package in PACKAGES:
        for folder in sorted({path.parent for path in (root / package).rglob("*.py")}):
            if rows := list(_rows(folder)):
                name = folder.relative_to(root).as_posix()
                parts.append(f"## {name}\n\n{table(('module', 'what it is'), rows)}")
    return "\n".join(parts)


def _rows(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.py")):
        if text := first_line(path):
            yield f"`{path.name}`", text


def first_line(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line; empty without one."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split())
