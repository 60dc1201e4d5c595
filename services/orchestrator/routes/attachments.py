"""Which sessions are held by this replica at this moment; a session is held once anywhere."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.orchestrator.transports.hold import Hold
from services.orchestrator.transports.notices import (
    NOTICE,
    Erased,
    Notice,
    Released,
    Said,
    Taken,
    channel,
)
from shared.bus import MISSED, Bus, Subscription
from shared.errors import UpstreamFailed
from shared.protocol.conversation import CONVERSATION_CLIENT
from shared.web.places import Places

_HEARING_S = 1.0
"""Longest wait for the bus to confirm that it is heard."""
_LEAVING_S = 3.0
"""Longest wait for the connection before to write down where it was."""


class Attachments:
    """The newest connection of a session wins, on whatever replica it is.

    It begins when the one before has written its last events, so that none is lost and no
    number is given twice.
    """

    def __init__(self, bus: Bus, places: Places) -> None:
        self._bus = bus
        self._places = places
        self._current: dict[str, Hold] = {}

    async def held(self, session_ids: Sequence[str]) -> frozenset[str]:
        """Those of the sessions that somebody is connected to, on any replica.

        Raises:
            UpstreamFailed: Redis does not answer.
        """
        names = {channel(session_id): session_id for session_id in session_ids}
        heard = await self._bus.heard(tuple(names))
        return frozenset(names[name] for name in heard)

    async def _vacate(self, session_id: str) -> None:
        """End the connection that this replica has for the session, so that its place is free.

        A lost line is often noticed long after its client is back.
        """
        if (other := self._current.get(session_id)) is not None:
            other.ousted.set()
            await _within(_LEAVING_S, other.left)

    @asynccontextmanager
    async def attach(self, session_id: str) -> AsyncIterator[Hold]:
        """Take a place, and the session from whoever holds it; hear what others say of it.

        Raises:
            AtCapacity, Draining: there is no place.
        """
        await self._vacate(session_id)
        hold, name = Hold(), secrets.token_hex(8)
        try:
            with self._places.take():
                self._current[session_id] = hold
                async with self._hearing(session_id, hold, name):
                    yield hold
        finally:
            hold.left.set()
            if self._current.get(session_id) is hold:
                del self._current[session_id]
                await self._tell(session_id, Released(by=name))

    @asynccontextmanager
    async def _hearing(self, session_id: str, hold: Hold, name: str) -> AsyncIterator[None]:
        async with self._bus.subscribe(channel(session_id)) as notices:
            ear = _Ear(hold, name)
            listening = asyncio.create_task(ear.listen(notices))
            try:
                await _within(_HEARING_S, ear.hears)
                if await self._tell(session_id, Taken(by=name)) > 1:
                    await _within(_LEAVING_S, ear.released)
                yield
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def erased(self, session_id: str) -> None:
        """Tell whoever holds it that the session is no more."""
        await self._tell(session_id, Erased())

    async def said(self, session_id: str, text: str) -> bool:
        """Pass a client's message to whoever holds the session; whether anybody does."""
        return await self._tell(session_id, Said(text=text)) > 0

    async def _tell(self, session_id: str, notice: Notice) -> int:
        """How many processes were told. Without Redis the numbers of events guard the session."""
        with contextlib.suppress(UpstreamFailed):
            return await self._bus.publish(channel(session_id), notice.wire())
        return 0


class _Ear:
    """Obeys what is said of one session."""

    def __init__(self, hold: Hold, name: str) -> None:
        self._hold = hold
        self._name = name
        self.hears = asyncio.Event()
        """The bus is heard from here on."""
        self.released = asyncio.Event()
        """Who held the session before has let go."""

    async def listen(self, notices: Subscription) -> None:
        async for delivery in notices:
            if delivery is MISSED:
                self.hears.set()
            else:
                await self._obey(NOTICE.validate_json(delivery))

    async def _obey(self, notice: Notice) -> None:
        match notice:
            case Taken(by=by):
                if by != self._name:
                    self._hold.ousted.set()
            case Released():
                self.released.set()
            case Erased():
                self._hold.ousted.set()
            case Said(text=text):
                await self._hold.inbox.put(CONVERSATION_CLIENT.validate_json(text))


async def _within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
