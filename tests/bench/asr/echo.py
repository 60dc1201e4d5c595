"""A server that answers at once and does nothing else: ``python -m tests.bench.asr.echo``.

The speakers play to it as to the service. What they measure here is the machine's and
their own: sockets, the wake of a process, the time until they look. It takes frames of
WebSockets and says ``partial`` at every fifteenth, as often as the service does. Listens
on the loopback at ``ECHO_PORT``.
"""

import asyncio
import json
import os
from typing import cast

from tests.bench.asr.wire import BINARY, parse

EVERY = 15
"""Frames of 20 ms between two answers."""
_FRAME_S = 0.02
_ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
_READY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CLOSE = b"\x88\x02\x03\xe8"


class Echo(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._upgraded = False
        self._heard = 0
        self._told = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._buffer += data
        if not self._upgraded:
            self._accept()
        while self._upgraded and (parsed := parse(self._buffer)) is not None:
            opcode, _, size = parsed
            del self._buffer[:size]
            if opcode == BINARY:
                self._hear()
            else:
                self._tell()

    def _accept(self) -> None:
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            return
        self._buffer[:] = rest
        self._upgraded = b"upgrade: websocket" in head.lower()
        self._transport.write(_ACCEPTED if self._upgraded else _READY)
        if not self._upgraded:
            self._transport.close()

    def _hear(self) -> None:
        self._heard += 1
        if self._heard % EVERY == 0:
            said = {"type": "partial", "timestamp": round(self._heard * _FRAME_S, 3)}
            text = json.dumps(said).encode()
            self._transport.write(bytes([0x81, len(text)]) + text)

    def _tell(self) -> None:
        """The first message is ``config``, the second ``end``."""
        self._told += 1
        if self._told > 1:
            self._transport.write(_CLOSE)
            self._transport.close()


async def main(port: int) -> None:
    """Answer until the process is stopped."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(os.environ["ECHO_PORT"])))
