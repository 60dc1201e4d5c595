from typing import Literal

import pytest
from pydantic import BaseModel, Field

from deploy.docs.schema import default, spelled


class Inner(BaseModel):
    x: int = 0


class Outer(BaseModel):
    one: int = Field(ge=1, le=9)
    two: float = Field(default=0.5, gt=0, lt=1)
    three: str | None = Field(default=None, max_length=20)
    four: Literal["a", "b"] = "a"
    five: tuple[Inner, ...] = ()
    six: dict[str, int] = Field(default_factory=dict)
    seven: Inner = Inner()
    eight: object = None
    nine: bool = True


SCHEMA = Outer.model_json_schema()


@pytest.mark.parametrize(
    ("field", "value", "preset"),
    [
        ("one", "integer (≥ 1, ≤ 9)", ""),
        ("two", "number (> 0, < 1)", "`0.5`"),
        ("three", "text (≤ 20 characters) or null", ""),
        ("four", "`a`, `b`", "`a`"),
        ("five", "list of [Inner](#inner)", ""),
        ("six", "object of integer", ""),
        ("seven", "[Inner](#inner)", ""),
        ("eight", "anything", ""),
        ("nine", "boolean", "`true`"),
    ],
)
def test_a_property_is_told_in_a_few_words(field: str, value: str, preset: str) -> None:
    schema = SCHEMA["properties"][field]
    assert spelled(schema, SCHEMA["$defs"]) == value
    assert default(schema) == preset
