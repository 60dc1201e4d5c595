"""An LLM server that speaks chat completions as told, and fails in every way it can."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any] | str


def chunk(text: str | None = None, **choice: object) -> dict[str, Any]:
    """One event of a completion."""
    delta = {} if text is None else {"content": text}
    return {"model": "double-1", "choices": [{"index": 0, "delta": delta, **choice}]}


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def sse(event: Event) -> bytes:
    """An event as it goes over the wire, in a chunk of its own."""
    text = event if isinstance(event, str) else json.dumps(event)
    line = f"data: {text}\n\n".encode()
    return f"{len(line):x}\r\n".encode() + line + b"\r\n"


FINISH = chunk(finish_reason="stop")
USAGE = {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 7}}


@dataclass
class Answer:
    """How one request is answered."""

    events: Sequence[Event] = ()
    """Sent one after the other; text is sent as it is."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "as told"}}'
    """Of an answer that is not 200."""
    before_s: float = 0.0
    hang_after: int | None = None
    """Send so many events, then nothing more."""
    cut_after: int | None = None
    """Send so many events, then close the connection."""
    done: bool = True
    """Whether ``[DONE]`` is sent."""


def says(*texts: str) -> Answer:
    """A reply in these tokens."""
    return Answer([*(chunk(text) for text in texts), FINISH, USAGE])


class ScriptedLlm:
    """The server. Answers in turn, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.left = asyncio.Event()
        """A client closed its connection in the middle of an answer."""
        self.url = ""
        self.connections = 0

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["ScriptedLlm"]:
        """Serve on a free port of the loopback, or on the one given."""
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            self.connections += 1
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._converse(reader, writer)
            tasks.discard(task)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield self
        finally:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await self._request(reader):
            answers = self.answers
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            await asyncio.sleep(answer.before_s)
            if not await self._answer(answer, reader, writer):
                return

    async def _request(self, reader: asyncio.StreamReader) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        lines = head.decode().split("\r\n")[1:]
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        self.headers.append(headers)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(json.loads(body))
        return True

    async def _answer(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection may be used again."""
        if answer.status != 200:
            extra = "".join(f"{key}: {value}\r\n" for key, value in answer.headers.items())
            size = len(answer.body.encode())
            head = f"HTTP/1.1 {answer.status} X\r\n{extra}Content-Length: {size}\r\n\r\n"
            writer.write(head.encode() + answer.body.encode())
            await writer.drain()
            return True
        writer.write(HEAD)
        for number, event in enumerate([*answer.events, *(["[DONE]"] if answer.done else [])]):
            if number == answer.cut_after:
                return False
            if number == answer.hang_after:
                await self._hang(reader)
                return False
            writer.write(sse(event))
            await writer.drain()
        writer.write(END)
        await writer.drain()
        return True

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        await reader.read(1)
        self.left.set()
