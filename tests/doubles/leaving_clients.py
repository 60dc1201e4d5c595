"""The ways in which a client leaves: only one of them is polite."""

import socket
import struct
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection

Way = Callable[[ClientConnection], Awaitable[None]]


async def closes(peer: ClientConnection) -> None:
    """In order."""
    await peer.close()


async def ends_the_stream(peer: ClientConnection) -> None:
    """Half-closes the connection."""
    peer.transport.write_eof()


async def resets(peer: ClientConnection) -> None:
    """Tears the connection."""
    raw = peer.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.transport.abort()


async def breaks_the_protocol(peer: ClientConnection) -> None:
    """Sends what is no frame."""
    peer.transport.write(b"\xff\xff\xff\xffgarbage")


async def says_nothing_more(peer: ClientConnection) -> None:
    """Reads nothing and answers nothing: gone after the peer timeout."""


WAYS: tuple[Way, ...] = (closes, ends_the_stream, resets, breaks_the_protocol, says_nothing_more)
"""Each service's tests add the one that is its own: leaving in the middle of its work."""
