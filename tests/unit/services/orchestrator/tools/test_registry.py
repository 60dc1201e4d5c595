"""From typed functions to schemas and back to arguments."""

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from services.orchestrator.tools.base import Kind, ToolError
from services.orchestrator.tools.registry import Registry
from services.orchestrator.tools.signature import Signature
from shared.errors import InvalidRequest


def book(
    city: Annotated[str, Field(description="Where to")],
    day: date,
    seats: int = 1,
    meal: Literal["meat", "fish"] | None = None,
) -> str:
    """Book a journey."""
    return f"{city} {day} {seats} {meal}"


def test_the_schema_says_what_the_annotations_say() -> None:
    schema = Signature(book).schema()
    assert schema["required"] == ["city", "day"]
    assert schema["properties"]["city"] == {"type": "string", "description": "Where to"}
    assert schema["properties"]["day"] == {"type": "string", "format": "date"}
    assert schema["additionalProperties"] is False


def test_arguments_become_what_the_function_wants() -> None:
    bound = Signature(book).bind({"city": "Oslo", "day": "2027-01-02"})
    assert bound == {"city": "Oslo", "day": date(2027, 1, 2), "seats": 1, "meal": None}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"day": "2027-01-02"}, "city"),
        ({"city": "Oslo", "day": "soon"}, "day"),
        ({"city": "Oslo", "day": "2027-01-02", "colour": "red"}, "colour"),
        ({"city": "Oslo", "day": "2027-01-02", "meal": "soap"}, "meal"),
    ],
)
def test_what_is_wrong_is_named_for_the_model(arguments: dict[str, Any], names: str) -> None:
    with pytest.raises(ToolError, match=names):
        Signature(book).bind(arguments)


def test_a_function_without_annotations_is_refused() -> None:
    def bare(city):  # type: ignore[no-untyped-def]
        return city

    with pytest.raises(TypeError, match="`city` is not annotated"):
        Signature(bare)
    with pytest.raises(TypeError, match="any number"):
        Signature(lambda *cities: cities)


def test_a_tool_is_described_in_openais_form() -> None:
    registry = Registry()
    registry.tool()(book)
    (tool,) = registry.select(None)
    assert tool.kind is Kind.SYNCHRONOUS
    assert tool.schema()["function"]["description"] == "Book a journey."


def test_a_session_chooses_and_is_told_what_there_is() -> None:
    registry = Registry()
    registry.tool()(book)
    assert [tool.name for tool in registry.select(["book"])] == ["book"]
    assert registry.select([]) == ()
    with pytest.raises(InvalidRequest, match="no tool fly; there is book"):
        registry.select(["fly"])


@pytest.mark.parametrize("name", ["two words", "", "x" * 65, "häuser"])
def test_names_are_those_that_models_accept(name: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        Registry().tool(name=name or " ")(book)


def test_two_tools_of_a_name_are_a_mistake() -> None:
    registry = Registry()
    registry.tool()(book)
    with pytest.raises(ValueError, match="two tools"):
        registry.tool()(book)
