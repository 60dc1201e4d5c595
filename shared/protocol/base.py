"""What every native message has, and how a text frame becomes one."""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shared.errors import InvalidRequest, ParleyError

Identifier = str
"""An id that the client chose or the server made; at most 128 characters."""


class Message(BaseModel):
    """A JSON text frame. Unknown fields are errors; nothing changes after parsing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def wire(self) -> str:
        """The frame's text; fields that are None are left out."""
        return self.model_dump_json(exclude_none=True, by_alias=True)


class Ping(Message):
    """Either side asks whether the other lives."""

    type: Literal["ping"] = "ping"
    t: float | None = None
    """Repeated in the answer."""


class Pong(Message):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    t: float | None = None
    """That of the `ping`."""


class ErrorMessage(Message):
    """Something failed; the connection stays open unless it is closed right after."""

    type: Literal["error"] = "error"
    code: str
    """One of the codes under Errors."""
    message: str
    """What is wrong and what to do, for people."""
    retryable: bool
    """Whether the same may succeed later."""
    retry_after_s: float | None = None
    """Seconds after which a new try makes sense."""
    param: str | None = None
    """The field at fault."""
    request_id: str | None = None

    @classmethod
    def of(cls, error: ParleyError, request_id: str | None = None) -> "ErrorMessage":
        """The message that tells of ``error``."""
        return cls(
            code=error.code,
            message=error.message,
            retryable=error.retryable,
            retry_after_s=error.retry_after_s,
            param=error.param,
            request_id=request_id,
        )


class WarningMessage(Message):
    """A counted degradation; the work goes on."""

    type: Literal["warning"] = "warning"
    code: str
    """Which kind, for programs."""
    message: str
    """What it costs, for people."""
    request_id: str | None = None


class Limits(Message):
    """What the service allows, in `ready`."""

    max_connections: int
    """Places: the smaller of 30 and what the engine can carry."""
    max_message_bytes: int
    """Longest text or binary frame."""
    max_text_chars: int | None = None
    """Longest text of one request."""
    max_turn_s: float | None = None
    """Longest turn in seconds; a longer one is ended."""


M = TypeVar("M")


def parse(adapter: TypeAdapter[M], text: str) -> M:
    """A text frame as a message.

    Raises:
        InvalidRequest: naming the unknown type, the unknown or bad field, or that it is no JSON.
    """
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise _explained(error) from None


def _explained(error: ValidationError) -> InvalidRequest:
    first = error.errors(include_url=False)[0]
    kind = first["type"]
    if kind == "json_invalid":
        return InvalidRequest(f"not JSON: {first['msg']}")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_type(dict(first.get("ctx", {})))
    if kind in ("model_attributes_type", "model_type", "dict_type"):
        return InvalidRequest("a message is a JSON object with a `type`")
    path = [str(part) for part in first["loc"][1:]] or ["message"]
    name = ".".join(path)
    if kind == "extra_forbidden":
        return InvalidRequest(f"unknown field `{name}` in `{first['loc'][0]}`", param=name)
    return InvalidRequest(f"`{name}`: {first['msg']}", param=name)


def _unknown_type(context: dict[str, Any]) -> InvalidRequest:
    expected = context.get("expected_tags")
    if "tag" not in context:
        return InvalidRequest("a message needs a `type`", param="type")
    return InvalidRequest(
        f"unknown message type `{context['tag']}`; known: {expected}", param="type"
    )
