"""Files through the ASR service's REST door, streamed both ways."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Self

import httpx

from shared.clients import faults
from shared.clients.connection import Endpoint
from shared.errors import UpstreamFailed

PATH = "/v1/audio/transcriptions"


@dataclass(frozen=True, slots=True)
class Heard:
    """Some of a file's text."""

    text: str
    """What was found since the last; with ``last``, the whole text."""
    seconds: float | None
    """How far into the file the service is, where it says so."""
    last: bool = False


class TranscriptionClient:
    """Transcribes files; use as a context manager.

    Args:
        endpoint: the ASR service.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        timeout = httpx.Timeout(None, connect=endpoint.open_timeout_s)
        self._http = httpx.AsyncClient(headers=endpoint.headers, timeout=timeout, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def whole(self, path: Path, fields: dict[str, str], sent: Callable[[int], None]) -> str:
        """The answer's body, as ``response_format`` says.

        Args:
            fields: of OpenAI's form.
            sent: called with the bytes of the file that were sent so far.

        Raises:
            ParleyError: the service refused, failed or is not there.
        """
        with _Counted(path, sent) as file:
            async with aclosing(self._lines(path.name, file, fields)) as lines:
                return "\n".join([line async for line in lines])

    async def stream(
        self, path: Path, fields: dict[str, str], sent: Callable[[int], None]
    ) -> AsyncGenerator[Heard, None]:
        """The text as it is found; arguments and errors as in :meth:`whole`."""
        fields = {**fields, "stream": "true"}
        with _Counted(path, sent) as file:
            async with aclosing(self._lines(path.name, file, fields)) as lines:
                async for line in lines:
                    if line.startswith("data:"):
                        yield _heard(json.loads(line.removeprefix("data:")))

    async def _lines(
        self, name: str, file: BinaryIO, fields: dict[str, str]
    ) -> AsyncGenerator[str, None]:
        upload = {"file": (name, file)}
        address = self._endpoint.http(PATH)
        try:
            async with self._http.stream("POST", address, data=fields, files=upload) as response:
                if response.is_error:
                    await response.aread()
                    raise faults.of_http(response)
                async for line in response.aiter_lines():
                    yield line
        except httpx.ConnectError as error:
            raise self._endpoint.silent() from error
        except httpx.HTTPError as error:
            raise UpstreamFailed(f"{self._endpoint.name} went away: {error}") from error


class _Counted(BufferedReader):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, told: Callable[[int], None]) -> None:
        super().__init__(path.open("rb", buffering=0))
        self._told = told

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._told(self.tell())
        return data


def _heard(event: dict[str, Any]) -> Heard:
    seconds = event.get("seconds")
    match event.get("type"):
        case "transcript.text.delta":
            return Heard(str(event["delta"]), seconds)
        case "transcript.text.done":
            return Heard(str(event["text"]), seconds, last=True)
        case _ if "error" in event:
            raise faults.of_response(500, event)
        case kind:
            raise UpstreamFailed(f"the service sent an unknown event `{kind}`")
