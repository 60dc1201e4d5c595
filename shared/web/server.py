"""From settings to a listening service, and its orderly end.

SIGTERM drains: nobody new gets a place, who has one may finish within
``DRAIN_TIMEOUT_S``. SIGINT, or a second signal, stops at once.
"""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from shared import logs
from shared.config import BadSettings, Settings, load
from shared.errors import ParleyError
from shared.web.line import install_lines
from shared.web.service import Service
from shared.web.sockets import MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

S = TypeVar("S", bound=Settings)
Build = Callable[[S], AbstractAsyncContextManager[Service]]
"""Loads what the service needs, yields it, and unloads."""

_CLOSING_S = 2.0
"""Time for the last bytes, after the drain."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def main(name: str, kind: type[S], build: Build[S]) -> int:
    """Run a service until it is told to stop.

    Returns:
        The exit code: 0 after a stop, 2 for bad settings, 1 when it could not start.
    """
    try:
        settings = load(kind)
        with listen(settings.host, settings.port) as listener:
            logs.configure(name, settings.log_level)
            if settings.host not in _LOOPBACK and not settings.api_keys:
                log.warning("anybody may use the service: beyond loopback, and no API_KEYS")
            asyncio.run(_run(settings, listener, build))
    except BadSettings as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"parley-{name}: {line}\n")
        return 2
    except ParleyError as error:
        sys.stderr.write(f"parley-{name}: cannot start: {error.message}\n")
        return 1
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that a port in use is told before anything is loaded.

    A peer that acknowledges nothing, or keeps its window shut, is cut by the kernel after
    45 s (TCP_USER_TIMEOUT, inherited by every accepted connection). One that we send nothing
    to is asked: a machine that lost its power says no goodbye.

    Raises:
        BadSettings: the address cannot be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise BadSettings(f"HOST={host}: {error.strerror}; set HOST to an address") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 45_000)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        here = error.errno in (errno.EADDRINUSE, errno.EACCES)
        remedy = "stop what uses it or set another port" if here else "set HOST to an address here"
        raise BadSettings(f"port {port} on {host}: {error.strerror}; {remedy}") from None
    listener.setblocking(False)
    return listener


async def _run(settings: S, listener: socket.socket, build: Build[S]) -> None:
    asyncio.get_running_loop().set_exception_handler(_tell)
    async with build(settings) as service:
        await serve(service, listener, settings)


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Python 3.11 reports connections that a stop cancels as errors; they are none."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


async def serve(service: Service, listener: socket.socket, settings: Settings) -> None:
    """Serve until a signal; drain; close."""
    install_lines()
    stop = _signals()
    drained = asyncio.Event()
    server = asyncio.create_task(
        hypercorn_serve(service.app, _config(listener), shutdown_trigger=drained.wait)
    )
    draining = asyncio.create_task(_drain(service, stop, settings.drain_timeout_s))
    await asyncio.wait({server, draining}, return_when=asyncio.FIRST_COMPLETED)
    drained.set()
    await asyncio.wait({server}, timeout=_CLOSING_S)
    for task in (server, draining):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _signals() -> asyncio.Queue[signal.Signals]:
    """Signals in the order in which they come."""
    queue: asyncio.Queue[signal.Signals] = asyncio.Queue(maxsize=16)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, queue.put_nowait, number)
    return queue


async def _drain(service: Service, stop: asyncio.Queue[signal.Signals], limit_s: float) -> None:
    """Wait for the order to stop, then for those who still use the service."""
    first = await stop.get()
    service.places.draining.set()
    log.info("stopping", extra={"signal": first.name, "places_taken": service.places.taken})
    if first is signal.SIGINT:
        return
    empty = asyncio.create_task(service.places.wait_empty())
    again = asyncio.create_task(stop.get())
    _, late = await asyncio.wait(
        {empty, again}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
    )
    for task in late:
        task.cancel()


def _config(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # hypercorn owns and closes it
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.loglevel = "WARNING"
    config.graceful_timeout = _CLOSING_S / 2
    config.websocket_max_message_size = MAX_MESSAGE_BYTES
    config.websocket_ping_interval = None  # of ours the answer is checked
    config.keep_alive_timeout = 5.0  # until then it also keeps what the client has closed
    config.h11_pass_raw_headers = False
    config.include_server_header = False
    return config
