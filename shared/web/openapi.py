"""``/openapi.json``: what each service's HTTP side takes and gives, from its own models."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import shared

Schema = type[BaseModel] | Mapping[str, Any]
"""A model, or a JSON schema where the body is no object of ours (a file, a stream)."""

BINARY: Mapping[str, Any] = {"type": "string", "format": "binary"}
_ERROR: Mapping[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    body: Mapping[str, Schema] = field(default_factory=dict)
    """Media type to what the request carries."""
    answers: Mapping[str, Schema] = field(default_factory=dict)
    """Media type to what a success carries."""
    status: int = 200
    errors: Sequence[int] = ()
    """Statuses that carry OpenAI's error body."""


COMMON = (
    Operation("GET", "/", "The page for a browser, a description for others"),
    Operation("GET", "/live", "The process answers"),
    Operation("GET", "/ready", "New work is welcome", errors=(503,)),
    Operation("GET", "/health", "What runs here, and how it is"),
    Operation("GET", "/metrics", "For Prometheus", answers={"text/plain": {"type": "string"}}),
)


def route(title: str, operations: Iterable[Operation]) -> Route:
    """The endpoint; the document is made once."""
    content = document(title, (*COMMON, *operations))

    async def openapi(_: Request) -> Response:
        return JSONResponse(content)

    return Route("/openapi.json", openapi)


def document(title: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    listed = list(operations)
    references, components = _schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _entry(
            operation, references
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": shared.__version__},
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _schemas(
    operations: Sequence[Operation],
) -> tuple[dict[type[BaseModel], dict[str, Any]], dict[str, Any]]:
    """A reference to each model, and what the references point to."""
    models = {
        schema: None
        for operation in operations
        for schema in (*operation.body.values(), *operation.answers.values())
        if isinstance(schema, type)
    }
    references, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    by_model = {model: reference for (model, _), reference in references.items()}
    return by_model, definitions.get("$defs", {})  # type: ignore[return-value]


def _entry(
    operation: Operation, references: Mapping[type[BaseModel], Mapping[str, Any]]
) -> dict[str, Any]:
    def content(bodies: Mapping[str, Schema]) -> dict[str, Any]:
        return {
            media: {"schema": references[schema] if isinstance(schema, type) else schema}
            for media, schema in bodies.items()
        }

    success: dict[str, Any] = {"description": "Success"}
    if operation.answers:
        success["content"] = content(operation.answers)
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    failures = {
        str(status): {"description": "Error", "content": error} for status in operation.errors
    }
    entry: dict[str, Any] = {
        "summary": operation.summary,
        "responses": {str(operation.status): success, **failures},
    }
    if operation.body:
        entry["requestBody"] = {"required": True, "content": content(operation.body)}
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    if names:
        entry["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    return entry
