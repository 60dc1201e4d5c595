"""WebSocket frames as bytes: made before a run, and taken apart after it.

A load generator that masks and parses while it measures adds its own work to what it
measures. Source: RFC 6455.
"""

import os
import socket
import struct
from collections.abc import Iterable, Iterator

import numpy as np

TEXT, BINARY = 0x1, 0x2
_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)

Chunk = tuple[float, bytes]
"""When bytes came, and the bytes."""


def connected(host: str, port: int, path: str) -> tuple[socket.socket, bytes]:
    """An upgraded connection, not blocking, and what came right behind the upgrade.

    Raises:
        ConnectionError: the server does not upgrade.
    """
    connection = socket.create_connection((host, port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(_HANDSHAKE.format(path=path, host=host, port=port).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        received = connection.recv(4096)
        if not received:
            raise ConnectionError("closed during the handshake")
        answer += received
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b" 101 " not in head.partition(b"\r\n")[0]:
        raise ConnectionError(head.decode("latin-1"))
    connection.setblocking(False)
    return connection, rest


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame of at most 65,535 bytes, masked."""
    key = os.urandom(4)
    mask = np.resize(np.frombuffer(key, np.uint8), len(payload))
    masked = (np.frombuffer(payload, np.uint8) ^ mask).tobytes()
    if len(payload) < 126:
        return struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload)) + key + masked
    return struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(payload)) + key + masked


def texts(chunks: Iterable[Chunk]) -> Iterator[tuple[float, bytes]]:
    """The text messages of a server, each with the time at which its last byte came."""
    buffer = b""
    for came, data in chunks:
        buffer += data
        while (parsed := parse(buffer)) is not None:
            opcode, payload, size = parsed
            buffer = buffer[size:]
            if opcode == TEXT:
                yield came, payload


def parse(buffer: bytes | bytearray) -> tuple[int, bytes, int] | None:
    """Opcode, payload (masked as it came) and size of the first frame; None: not whole yet."""
    if len(buffer) < 2:
        return None
    short, masked = buffer[1] & 0x7F, buffer[1] >> 7
    extended = {126: 2, 127: 8}.get(short, 0)
    begin = 2 + extended + 4 * masked
    if len(buffer) < begin:
        return None
    length = int.from_bytes(buffer[2 : 2 + extended], "big") if extended else short
    if len(buffer) < begin + length:
        return None
    return buffer[0] & 0x0F, bytes(buffer[begin : begin + length]), begin + length
