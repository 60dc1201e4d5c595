"""docker-compose.yml: the settings that are passed on to each container, between its markers."""

from __future__ import annotations

import re

from deploy.docs.configuration import groups
from deploy.locks.lock import ROOT

PLACED = frozenset({"HOST", "REDIS_URL", "ASR_URL", "TTS_URL"})
"""What the file gives a value of its own."""

_BLOCK = re.compile(r"(?<=  # )(\w+) settings, by `make docs`\n.*?(?=  # end\n)", re.DOTALL)


def document() -> str:
    """The file with its marked blocks written anew."""
    variables = {
        name: sorted(str(kind.model_fields[field].alias) for field in fields)
        for name, kind, fields in groups()
    }

    def block(found: re.Match[str]) -> str:
        kept = [name for name in variables.get(found[1], []) if _passed(name)]
        return f"{found[1]} settings, by `make docs`\n" + "".join(f"  {n}:\n" for n in kept)

    return _BLOCK.sub(block, (ROOT / "docker-compose.yml").read_text())


def _passed(name: str) -> bool:
    return name not in PLACED and not name.endswith("PORT")
