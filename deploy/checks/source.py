"""The files of the repository, as git sees them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path


def files(root: Path) -> Iterator[tuple[str, str]]:
    """Relative path and text of every text file that is tracked or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in sorted(filter(None, listing.split("\0"))):
        path = root / name
        if path.is_file() and not path.is_symlink():
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
