import asyncio
from collections.abc import AsyncIterator

from starlette.types import Message, Receive, Scope, Send

from shared.web.linger import Linger

SCOPE: Scope = {"type": "http", "headers": [(b"content-length", b"300")]}


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"no", "more_body": False})


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await refuse(scope, receive, send)


class Wire:
    """A client that sends so many pieces, and what it is sent meanwhile."""

    def __init__(self, pieces: int | None) -> None:
        self.sent: list[Message] = []
        self.taken = 0
        self._pieces = self._make(pieces)

    async def _make(self, pieces: int | None) -> AsyncIterator[Message]:
        if pieces is None:
            await asyncio.Event().wait()
        for left in range(pieces or 0, 0, -1):
            self.taken += 1
            yield {"type": "http.request", "body": b"x" * 100, "more_body": left > 1}
        yield {"type": "http.disconnect"}

    async def receive(self) -> Message:
        return await anext(self._pieces)

    async def send(self, message: Message) -> None:
        self.sent.append({**message, "taken": self.taken})


async def test_an_early_answer_ends_when_the_body_was_taken_in() -> None:
    wire = Wire(3)
    await Linger(refuse)(SCOPE, wire.receive, wire.send)
    _, text, end = wire.sent
    assert (text["body"], text["more_body"], text["taken"]) == (b"no", True, 0)
    assert (end["body"], end["more_body"], end["taken"]) == (b"", False, 3)


async def test_an_answer_after_the_body_is_left_alone() -> None:
    wire = Wire(3)
    await Linger(read_all)(SCOPE, wire.receive, wire.send)
    assert [message["taken"] for message in wire.sent] == [3, 3]


async def test_without_a_body_nothing_is_waited_for() -> None:
    wire = Wire(None)
    await Linger(refuse)({"type": "http", "headers": []}, wire.receive, wire.send)
    assert len(wire.sent) == 2


async def test_the_wait_is_bounded() -> None:
    wire = Wire(None)
    await Linger(refuse, limit_s=0.01)(SCOPE, wire.receive, wire.send)
    assert wire.sent[-1]["more_body"] is False


async def test_who_leaves_ends_it() -> None:
    wire = Wire(0)
    await Linger(refuse)(SCOPE, wire.receive, wire.send)
    assert wire.sent[-1]["more_body"] is False


async def test_other_scopes_pass() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    wire = Wire(0)
    await Linger(app)({"type": "lifespan"}, wire.receive, wire.send)
    assert seen == ["lifespan"]
