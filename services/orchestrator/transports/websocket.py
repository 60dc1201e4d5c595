"""One client's line, attached to its session: frames in, dialogue, events and audio out."""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from services.orchestrator.pipeline.conversation import Conversation
from services.orchestrator.sessions.base import Session, SessionStore
from services.orchestrator.transports.hold import Hold
from services.orchestrator.transports.line import Line
from services.orchestrator.transports.outbox import Outbox
from services.orchestrator.transports.unfinished import unfinished
from shared.errors import (
    Conflict,
    Draining,
    Forbidden,
    ParleyError,
    UnsupportedOption,
)
from shared.protocol import conversation as wire
from shared.web.places import Places

Incoming = wire.ConversationClientMessage
Begin = Callable[
    [Session, Outbox], AbstractAsyncContextManager[tuple[Conversation, wire.SessionEvent]]
]
"""Opens recogniser and synthesiser for a session and makes its conversation."""

_RESUME_WAIT_S = 5.0
_LINGER_S = 20.0
"""How long a client without a socket may be silent before its places are free."""


class Settled(Exception):
    """The client said goodbye."""


@dataclass(slots=True)
class Attachment:
    """A line's time with a session."""

    line: Line
    outbox: Outbox
    store: SessionStore
    begin: Begin
    places: Places
    hold: Hold
    resumes: wire.Resume | None = None
    """Asked for by the handshake."""
    silent: bool = False
    """There is no socket: nothing comes but what is posted."""

    async def run(self) -> None:
        """Converse until the client leaves.

        Raises:
            Disconnected: it vanished.
            ParleyError: the conversation cannot go on.
        """
        first = await self._first()
        async with self.begin(self.outbox.session, self.outbox) as (talk, hello):
            self.outbox.tell(hello.model_copy(update={"resumed": isinstance(first, wire.Resume)}))
            try:
                await self.line.run(
                    talk.run(),
                    self._receive(talk, first),
                    self._take_posted(talk),
                    self.outbox.pump(self.line),
                    self.outbox.mend(),
                    self.outbox.guard(),
                    self._leave_when_ousted(),
                    self._leave_when_drained(talk),
                )
            except Settled:
                await self.line.close(1000)
            finally:
                talk.hang_up()
                await self.outbox.close()

    async def _first(self) -> Incoming | bytes | None:
        """The first message, where it may be a ``resume``: nothing is sent before it."""
        if self.resumes is not None:
            await self._replay(self.resumes)
            return self.resumes
        if self.silent or not self.outbox.session.seq:
            return None
        try:
            first = await asyncio.wait_for(self.line.receive(), _RESUME_WAIT_S)
        except TimeoutError:
            return None
        if isinstance(first, wire.Resume):
            await self._replay(first)
        return first

    async def _replay(self, resume: wire.Resume) -> None:
        session = self.outbox.session
        if not hmac.compare_digest(resume.token.encode(), session.resume_token.encode()):
            raise Forbidden("the resume token is not this session's", param="token")
        for event in await self.store.since(session.session_id, resume.last_seq):
            await self.line.send_text(event)
        for ending in unfinished(await self.store.since(session.session_id, 0)):
            self.outbox.tell(ending)

    async def _receive(self, talk: Conversation, first: Incoming | bytes | None) -> None:
        message = first if first is not None else await self.line.receive()
        while True:
            if isinstance(message, bytes):
                if message:
                    await talk.microphone(message)
            elif not (message is first and isinstance(message, wire.Resume)):
                await self._message(talk, message)
            message = await self.line.receive()

    async def _take_posted(self, talk: Conversation) -> None:
        while True:
            try:
                message = await asyncio.wait_for(self.hold.inbox.get(), _LINGER_S)
            except TimeoutError:
                if self.silent and talk.idle.is_set():
                    raise Settled from None
            else:
                await self._message(talk, message)

    async def _message(self, talk: Conversation, message: Incoming) -> None:
        try:
            if not await self._repeated(message):
                await self._apply(talk, message)
        except ParleyError as error:
            self.outbox.tell(wire.EventError.of(error))

    async def _repeated(self, message: Incoming) -> bool:
        """Acknowledge a message that carries an id; whether it was applied before."""
        name = getattr(message, "id", None)
        if name is None:
            return False
        new = await self.outbox.first_time(name)
        self.outbox.tell(wire.Ack(id=name))
        return not new

    async def _apply(self, talk: Conversation, message: Incoming) -> None:
        match message:
            case wire.Text() | wire.Interrupt() | wire.Playback():
                talk.happen(message)
            case wire.ToolResult():
                talk.settle(message)
            case wire.Silence():
                await talk.silence(message)
            case wire.Config():
                await talk.configure(message)
            case wire.Bye():
                raise Settled
            case wire.Resume():
                raise Conflict("`resume` is the first message on a socket", param="type")
            case _:
                kind = getattr(message, "type", "message")
                raise UnsupportedOption(f"`{kind}` has no meaning here", param="type")

    async def _leave_when_ousted(self) -> None:
        await self.hold.ousted.wait()
        raise Conflict("another connection took this session, or it was deleted")

    async def _leave_when_drained(self, talk: Conversation) -> None:
        """Let a reply that is under way be heard, then go."""
        await self.places.draining.wait()
        await talk.idle.wait()
        await self.outbox.drained()
        raise Draining("the service is stopping; resume in a moment", retry_after_s=5)
