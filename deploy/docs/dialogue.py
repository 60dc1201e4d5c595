"""docs/dialogue.md: the states of a conversation, from the table that the code checks."""

from __future__ import annotations

from deploy.docs.table import table
from services.orchestrator.pipeline.state import TRANSITIONS, diagram

HEAD = """\
# The states of a conversation

Generated from `services/orchestrator/pipeline/state.py` by `make docs`; do not edit. The dialogue
raises on any way that is not in this table; each change is told to the client as `state`.
"""


def document() -> str:
    """The whole page."""
    rows = [
        (f"`{old.value}`", f"`{new.value}`", why)
        for old, ways in TRANSITIONS.items()
        for new, why in ways.items()
    ]
    picture = f"```mermaid\n{diagram()}\n```\n"
    return f"{HEAD}\n{picture}\n{table(('from', 'to', 'when'), rows)}"
