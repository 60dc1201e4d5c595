from collections.abc import Iterable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from services.asr.routes.uploads import FIELDS_BYTES, received
from shared.errors import InvalidRequest, TooLarge

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
FIELD = b'\r\n--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1'
END = b"\r\n--x--\r\n"


class Wire:
    """A body in pieces; counts those that were taken."""

    def __init__(self, pieces: Iterable[bytes], length: int | None = None) -> None:
        self._pieces = iter(pieces)
        self.taken = 0
        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        scope: dict[str, Any] = {"type": "http", "method": "POST", "headers": headers}
        self.request = Request(scope, self.receive)

    async def receive(self) -> Message:
        piece = next(self._pieces, None)
        self.taken += piece is not None
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}


async def test_files_and_fields_are_told_apart() -> None:
    wire = Wire([HEAD + b"abc" + FIELD + END])
    async with received(wire.request, 1000) as form:
        assert form.fields == (("model", "whisper-1"),)
        ((name, upload),) = form.files
        assert (name, upload.name, upload.file.read()) == ("file", "a.wav", b"abc")
    assert upload.file.closed


async def test_a_declared_length_is_refused_before_anything_is_read() -> None:
    wire = Wire([HEAD], length=10 * FIELDS_BYTES)
    with pytest.raises(TooLarge):
        async with received(wire.request, 1000):
            pass
    assert wire.taken == 0


async def test_an_undeclared_length_is_cut_off_at_the_limit() -> None:
    wire = Wire([HEAD, *[bytes(100_000)] * 100, END])
    with pytest.raises(TooLarge):
        async with received(wire.request, 1000):
            pass
    assert wire.taken <= 12


async def test_a_file_over_its_own_limit_is_refused() -> None:
    wire = Wire([HEAD + bytes(2000) + FIELD + END])
    with pytest.raises(TooLarge):
        async with received(wire.request, 1000):
            pass


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\nContent-Disposition: form-data\r\n\r\nabc" + END,
        HEAD + b"a\r\n" + HEAD + b"b" + END,
        b"--y\r\n",
    ],
)
async def test_a_broken_body_is_the_clients_fault(body: bytes) -> None:
    wire = Wire([body])
    with pytest.raises(InvalidRequest):
        await received(wire.request, 1000).__aenter__()


async def test_another_kind_of_body_is_refused_unread() -> None:
    wire = Wire([b"{}"])
    wire.request.scope["headers"] = [(b"content-type", b"application/json")]
    with pytest.raises(InvalidRequest, match="multipart"):
        await received(Request(wire.request.scope, wire.receive), 1000).__aenter__()
    assert wire.taken == 0
