"""Multipart uploads, streamed to disk, never larger than allowed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message, Receive

from shared.errors import InvalidRequest, TooLarge

FIELDS_BYTES = 1_000_000
"""What the other fields of a form may take together."""
MOST_FIELDS = 64


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The largest file taken."""

    max_bytes: int
    max_seconds: float
    """Of sound."""


@dataclass(frozen=True, slots=True)
class Form:
    """A parsed multipart body. Its files live until the context that made it is left."""

    fields: tuple[tuple[str, str], ...]
    """Names and texts in their order; names may repeat."""
    files: tuple[tuple[str, "Upload"], ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file."""

    name: str
    """As the client calls it."""
    file: BinaryIO
    """In memory up to 1 MB, else a temporary file on disk."""


@asynccontextmanager
async def received(request: Request, max_bytes: int, *, max_files: int = 1) -> AsyncIterator[Form]:
    """Read a multipart body.

    A declared length over the limit is refused before anything is read; what is sent
    without one is cut off at the limit.

    Raises:
        TooLarge: more than ``max_bytes`` and the fields' share.
        InvalidRequest: no multipart body, a broken one, or too many parts.
    """
    limit = max_bytes * max_files + FIELDS_BYTES
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(max_bytes)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidRequest("the body must be multipart/form-data with a `file`", param="file")
    bounded = Request(request.scope, _bounded(request.receive, limit, max_bytes))
    try:
        form = await bounded.form(
            max_files=max_files, max_fields=MOST_FIELDS, max_part_size=FIELDS_BYTES
        )
    except (MultiPartException, HTTPException) as error:
        reason = getattr(error, "message", None) or getattr(error, "detail", "")
        raise InvalidRequest(f"the multipart body cannot be read: {reason}") from error
    try:
        texts: list[tuple[str, str]] = []
        files: list[tuple[str, Upload]] = []
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files.append((name, _upload(value, max_bytes)))
            else:
                texts.append((name, value))
        yield Form(tuple(texts), tuple(files))
    finally:
        await form.close()


def _upload(value: UploadFile, max_bytes: int) -> Upload:
    if (value.size or 0) > max_bytes:
        raise _too_large(max_bytes)
    return Upload(value.filename or "", value.file)


def _bounded(receive: Receive, limit: int, max_bytes: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(max_bytes)
        return message

    return counted


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"a file may have at most {max_bytes / 1e6:g} MB", param="file")
