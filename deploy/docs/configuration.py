"""docs/configuration.md and .env.example: every setting, from the classes that parse them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from deploy.docs.attributes import described
from deploy.docs.schema import default, spelled
from deploy.docs.services import settings
from deploy.docs.table import table
from shared.config import Settings

HEAD = """\
# Settings

Generated from the settings classes by `make docs`; do not edit.

Every setting is an environment variable, or a line of `.env` in the working directory; the
environment wins. A value that is not allowed, an unknown name with a service's prefix, or a name
that is all but a setting's (`LLM_MODL`; in `.env` also `API_KEY`) stops that service at once with
the name, the value and the remedy. Empty counts as unset.
"""

TITLES = {"common": "All services", "asr": "ASR", "tts": "TTS", "orchestrator": "Orchestrator"}
LAUNCHER = (
    ("`VENV`", "path", "`.venv`", "Virtual environment that `make` fills and uses."),
    ("`PYTHON`", "path", "", "Python that makes it; unset: the first found of 3.13, 3.12, 3.11."),
    ("`LOGS`", "`0`, `1`", "`0`", "1: `make run` shows the services' logs, else it keeps them."),
    ("`OMP_NUM_THREADS`", "integer (≥ 1)", "", "Threads of a service; see docs/operations.md."),
    ("`OMP_WAIT_POLICY`", "`PASSIVE`, `ACTIVE`", "`PASSIVE`", "What a waiting thread does."),
    ("`GOMP_SPINCOUNT`", "integer", "`10000`", "TTS: how often it looks before it sleeps."),
)
"""What the launcher reads beside the services' settings."""

ENV_HEAD = """\
# Every setting with its default; copy to .env and change what you need.
# Generated from the settings classes by `make docs`; do not edit.
"""

Property = Mapping[str, Any]


def document() -> str:
    """docs/configuration.md."""
    head = ("variable", "value", "default", "meaning")
    parts = [HEAD]
    for service, kind, names in groups():
        rows = (_row(kind, name) for name in names)
        parts.append(f"## {TITLES[service]}\n\n{table(head, rows)}")
    parts.append(f"## `make` and `make run`\n\n{table(head, LAUNCHER)}")
    return "\n".join(parts)


def example() -> str:
    """.env.example."""
    parts = [ENV_HEAD]
    for service, kind, names in groups():
        parts.append(f"# --- {TITLES[service]}\n")
        parts += [_line(kind, name) for name in names]
    return "\n".join(parts)


def groups() -> Iterator[tuple[str, type[Settings], list[str]]]:
    """Service, class and field names of each part: what all have in common comes once."""
    kinds = settings()
    common = [name for name in Settings.model_fields if not _replaced(name, kinds.values())]
    yield "common", Settings, common
    for service, kind in kinds.items():
        yield service, kind, [name for name in kind.model_fields if name not in common]


def _replaced(name: str, kinds: Iterable[type[Settings]]) -> bool:
    """Has a service a variable of its own for this common setting?"""
    alias = Settings.model_fields[name].alias
    return any(kind.model_fields[name].alias != alias for kind in kinds)


def _property(kind: type[Settings], name: str) -> tuple[str, Property, Mapping[str, Any]]:
    """The variable's name and its JSON schema, with the definitions that it refers to."""
    schema = _schema(kind)
    alias = kind.model_fields[name].alias or name
    return alias, schema["properties"][alias], schema.get("$defs", {})


@cache
def _schema(kind: type[Settings]) -> Property:
    return kind.model_json_schema(by_alias=True)


def _row(kind: type[Settings], name: str) -> tuple[str, ...]:
    alias, schema, definitions = _property(kind, name)
    value = _kind(schema, definitions)
    return f"`{alias}`", value, _default(schema), described(kind).get(name, "")


def _kind(schema: Property, definitions: Mapping[str, Any]) -> str:
    told = spelled(schema, definitions).replace("text or null", "text")
    told = told.removesuffix(" or null")
    return told.replace("list of text", "`a,b,…`")


def _default(schema: Property) -> str:
    """As it is written in the environment: lists with commas."""
    value = schema.get("default")
    return (
        f"`{','.join(map(str, value))}`" if isinstance(value, list) and value else default(schema)
    )


def _line(kind: type[Settings], name: str) -> str:
    alias, schema, _ = _property(kind, name)
    text = textwrap.fill(
        described(kind).get(name, ""), 98, initial_indent="# ", subsequent_indent="# "
    )
    value = _default(schema).strip("`")
    return f"{text}\n# {alias}={value}\n"
