"""Whether a peer still lives: heard of late, or asked and answering."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.clock import Clock
from shared.web.faults import Disconnected

_SHORTEST_S = 0.1
"""Least time that a question may take to be sent."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """When a silent peer is asked, and when it counts as gone."""

    ping_interval_s: float = 15.0
    peer_timeout_s: float = 40.0


class Watch:
    """One peer under watch."""

    def __init__(self, clock: Clock, liveness: Liveness) -> None:
        self._clock = clock
        self._liveness = liveness
        self.heard()

    def heard(self) -> None:
        """Something came; or it was us who did not listen."""
        self._heard_at = self._clock.now()

    async def run(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask a silent peer whether it lives; let a dead one go.

        Args:
            ask: sends something that every living peer answers.

        Raises:
            Disconnected: nothing was heard for ``peer_timeout_s``.
        """
        asked_at = self._heard_at
        while True:
            now = self._clock.now()
            silent_s = now - self._heard_at
            if silent_s >= self._liveness.peer_timeout_s:
                raise Disconnected(1006)
            if min(silent_s, now - asked_at) >= self._liveness.ping_interval_s:
                asked_at = now
                await self._asked(ask, self._liveness.peer_timeout_s - silent_s)
            await asyncio.sleep(self._liveness.ping_interval_s / 4)

    async def _asked(self, ask: Callable[[], Awaitable[None]], left_s: float) -> None:
        try:
            await asyncio.wait_for(ask(), max(_SHORTEST_S, left_s))
        except TimeoutError:  # it does not even read what is there
            raise Disconnected(1006) from None
