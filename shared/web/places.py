"""Places: how many may use a service at once, and the wait for the last to leave."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import AtCapacity, Draining
from shared.metrics import Metrics


class Places:
    """A counter with a cap. A place is free the moment its ``with`` block is left."""

    def __init__(self, capacity: int, metrics: Metrics | None = None) -> None:
        self.capacity = capacity
        self.taken = 0
        self.draining = asyncio.Event()
        """Set when the service is about to stop: nobody new gets a place."""
        self._empty = asyncio.Event()
        self._empty.set()
        self._metrics = metrics
        self._report()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Draining: the service is about to stop.
            AtCapacity: all places are taken.
        """
        if self.draining.is_set():
            raise Draining("the service is stopping", retry_after_s=5)
        if self.taken >= self.capacity:
            raise AtCapacity(f"all {self.capacity} places are taken", retry_after_s=2)
        self.taken += 1
        self._empty.clear()
        self._report()
        try:
            yield
        finally:
            self.taken -= 1
            self._report()
            if not self.taken:
                self._empty.set()

    async def wait_empty(self) -> None:
        """Return when nobody holds a place."""
        await self._empty.wait()

    def _report(self) -> None:
        if self._metrics is not None:
            self._metrics.places.set(self.capacity)
            self._metrics.places_taken.set(self.taken)


NeedsPlace = Callable[[Scope], bool]


def needs_place(scope: Scope) -> bool:
    """Every WebSocket and every running ``POST /v1/audio/…``; lists and pages need none."""
    if scope["type"] == "websocket":
        return True
    audio = scope["type"] == "http" and scope["path"].startswith("/v1/audio/")
    return bool(audio and scope["method"] == "POST")


class PlacesGate:
    """Whoever needs a place holds one for as long as its request or connection lasts."""

    def __init__(self, app: ASGIApp, places: Places, needs: NeedsPlace = needs_place) -> None:
        self._app = app
        self._places = places
        self._needs = needs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what needs no place, and the rest when it got one."""
        if not self._needs(scope):
            await self._app(scope, receive, send)
            return
        with self._places.take():
            await self._app(scope, receive, send)
