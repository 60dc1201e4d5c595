"""WAV headers: with unknown sizes for streams, with true ones for files."""

import struct
from pathlib import Path
from typing import Final, Self

from shared.audio.pcm import Encoding, Samples, encode

HEADER_BYTES: Final = 44
UNKNOWN: Final = 0xFFFFFFFF
"""Size in the header of a stream whose end is not known; players read on to the end."""
_FORMAT_TAGS = {Encoding.S16LE: 1, Encoding.F32LE: 3, Encoding.ALAW: 6, Encoding.MULAW: 7}


def header(
    sample_rate: int,
    *,
    encoding: Encoding = Encoding.S16LE,
    channels: int = 1,
    data_bytes: int | None = None,
) -> bytes:
    """The 44 bytes before the samples.

    Args:
        data_bytes: size of the samples; None: not known yet (a stream).
    """
    size = UNKNOWN if data_bytes is None else min(data_bytes, UNKNOWN)
    riff = UNKNOWN if data_bytes is None else min(data_bytes + HEADER_BYTES - 8, UNKNOWN)
    block = encoding.width * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        riff,
        b"WAVE",
        b"fmt ",
        16,
        _FORMAT_TAGS[encoding],
        channels,
        sample_rate,
        sample_rate * block,
        block,
        encoding.width * 8,
        b"data",
        size,
    )


def whole(samples: Samples, sample_rate: int) -> bytes:
    """A file of 16 bits, of samples float32 [n]."""
    data = encode(samples, Encoding.S16LE)
    return header(sample_rate, data_bytes=len(data)) + data


class WavFile:
    """Writes a mono WAV piece by piece; its header has the true sizes once closed."""

    def __init__(self, path: Path, sample_rate: int, encoding: Encoding = Encoding.S16LE) -> None:
        self.path = path
        self.sample_rate = sample_rate
        self.encoding = encoding
        self._bytes = 0
        self._file = path.open("wb")
        self._file.write(header(sample_rate, encoding=encoding, data_bytes=0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def seconds(self) -> float:
        """Length of what was written."""
        return self._bytes / self.encoding.width / self.sample_rate

    def write(self, samples: Samples) -> None:
        """Append samples, float32 [n]."""
        self.write_raw(encode(samples, self.encoding))

    def write_raw(self, data: bytes) -> None:
        """Append bytes that are already in the file's encoding."""
        self._file.write(data)
        self._bytes += len(data)

    def close(self) -> None:
        """Write the true sizes and close."""
        if self._file.closed:
            return
        if self._bytes % 2:
            self._file.write(b"\0")
        self._file.seek(0)
        self._file.write(header(self.sample_rate, encoding=self.encoding, data_bytes=self._bytes))
        self._file.close()
