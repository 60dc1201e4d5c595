"""The smallest service there can be, for the tests of the server: ``python echo.py``."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from pydantic import Field
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from shared.clock import SystemClock
from shared.config import Settings
from shared.errors import EngineUnavailable
from shared.metrics import Metrics
from shared.protocol.asr import ASR_CLIENT, AsrClientMessage, End
from shared.web.health import Health
from shared.web.keyring import Keyring
from shared.web.places import Places
from shared.web.server import main
from shared.web.service import Service, assemble
from shared.web.sockets import Socket


class EchoSettings(Settings):
    prefix: ClassVar[str] = "ECHO_"

    port: int = Field(8099, alias="ECHO_PORT")
    broken: bool = Field(False, alias="ECHO_BROKEN")


@asynccontextmanager
async def build(settings: EchoSettings) -> AsyncIterator[Service]:
    if settings.broken:
        raise EngineUnavailable("no weights; set ECHO_BROKEN=false")
    metrics = Metrics("echo")
    places = Places(2, metrics)

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        socket: Socket[AsrClientMessage] = Socket(
            websocket, ASR_CLIENT, clock=SystemClock(), metrics=metrics
        )

        async def talk() -> None:
            while not isinstance(frame := await socket.receive(), End):
                if isinstance(frame, bytes):
                    await socket.send_audio(frame)
            await socket.close()

        await socket.run(talk())

    health = Health(metrics, places, lambda: {"engine": {"name": "echo"}})
    routes = [*health.routes(), WebSocketRoute("/ws", echo)]
    keyring = Keyring(settings.api_keys)
    yield assemble(routes, settings=settings, metrics=metrics, places=places, keyring=keyring)


if __name__ == "__main__":
    sys.exit(main("echo", EchoSettings, build))
