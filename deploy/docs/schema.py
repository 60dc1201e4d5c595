"""A JSON schema in a few words, for one cell of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_NAMES = {"integer": "integer", "number": "number", "string": "text", "boolean": "boolean"}


def spelled(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    """What a value of `schema` is, as Markdown.

    Args:
        schema: one property of a model's JSON schema.
        definitions: its `$defs`; those that are models become links to their sections.
    """
    if "$ref" in schema:
        return _reference(schema["$ref"].rsplit("/", 1)[-1], definitions)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(spelled(option, definitions) for option in options))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{_value(value)}`" for value in values)
    return _plain(schema, definitions) + _bounds(schema)


def default(schema: Schema) -> str:
    """The default of a property, as Markdown; empty for none."""
    if "default" not in schema:
        return ""
    value = schema["default"]
    return "" if value in (None, [], "") or isinstance(value, dict) else f"`{_value(value)}`"


def _reference(name: str, definitions: Mapping[str, Schema]) -> str:
    target = definitions[name]
    if "properties" in target:
        return f"[{name}](#{name.lower()})"
    return spelled(target, definitions)


def _plain(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    kind = schema.get("type", "any")
    if kind == "array":
        items = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        return f"list of {spelled(items, definitions)}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return (
            f"object of {spelled(values, definitions)}" if values not in (None, True) else "object"
        )
    return "null" if kind == "null" else _NAMES.get(kind, "anything")


def _bounds(schema: Schema) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    parts = [
        f"≥ {low}" if low not in (None, 0) or (low == 0 and "minimum" in schema) else "",
        f"> {above}" if above is not None else "",
        f"≤ {high}" if high is not None else "",
        f"< {below}" if below is not None else "",
    ]
    told = ", ".join(filter(None, parts))
    unit = " characters" if "maxLength" in schema else ""
    return f" ({told}{unit})" if told else ""


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
