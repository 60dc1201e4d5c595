"""Request bodies, refused by size before they are read whole."""

import logging
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from shared.errors import InvalidRequest, TooLarge

log = logging.getLogger(__name__)

B = TypeVar("B", bound=BaseModel)

_MOST_NAMED = 20


async def limited_body(request: Request, most_bytes: int) -> bytes:
    """The body.

    Raises:
        TooLarge: it is, or says that it is, larger than `most_bytes`.
    """
    problem = TooLarge(f"the body is larger than {most_bytes} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes:
        raise problem
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most_bytes:
            raise problem
    return bytes(data)


def parse(kind: type[B], data: bytes) -> B:
    """A JSON body as what it should be; fields that ``kind`` lets pass are logged by name.

    Raises:
        InvalidRequest: naming the field that is missing or wrong.
    """
    try:
        found = kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else None
        where = f"`{name}`: " if name else "the body: "
        raise InvalidRequest(f"{where}{first['msg']}", param=name) from None
    if unknown := sorted(found.model_extra or ()):
        log.info("ignored fields", extra={"fields": [name[:64] for name in unknown[:_MOST_NAMED]]})
    return found
