"""Samples into bytes that a player can start on at once, for every format we serve.

Each encoder hands out what it has after every piece: no header waits for sizes, no page
or frame waits to be filled up with others. What a codec must hear before its first frame
cannot be helped: 72 ms for mp3, 66 for aac, 40 for opus, 24 for flac, nothing for PCM.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

from shared.audio import wav
from shared.audio.pcm import Encoding, Samples, encode, playable, to_levels
from shared.audio.resample import Resampler


class Format(StrEnum):
    """What OpenAI's ``response_format`` can ask for."""

    WAV = "wav"
    PCM = "pcm"
    MP3 = "mp3"
    OPUS = "opus"
    FLAC = "flac"
    AAC = "aac"

    @property
    def media_type(self) -> str:
        """For ``Content-Type``."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Format.WAV: "audio/wav",
    Format.PCM: "audio/pcm",
    Format.MP3: "audio/mpeg",
    Format.OPUS: "audio/ogg",
    Format.FLAC: "audio/flac",
    Format.AAC: "audio/aac",
}


class Encoder(Protocol):
    """Turns one stream of samples into one stream of bytes."""

    def feed(self, samples: Samples) -> bytes:
        """Take the next samples, float32 [n]; the bytes that are ready, possibly none."""
        ...

    def finish(self) -> bytes:
        """The last bytes; nothing may be fed afterwards."""
        ...


def encoder(wanted: Format, sample_rate: int) -> Encoder:
    """The encoder of a format, for samples at ``sample_rate`` Hz."""
    match wanted:
        case Format.PCM:
            return PcmEncoder()
        case Format.WAV:
            return PcmEncoder(wav.header(sample_rate))
        case _:
            return CodecEncoder(_CODECS[wanted], sample_rate)


class PcmEncoder:
    """s16le samples, after a header if there is one."""

    def __init__(self, header: bytes = b"") -> None:
        self._header = header

    def feed(self, samples: Samples) -> bytes:
        """The samples' bytes; the first time the header before them."""
        return self._take_header() + encode(samples, Encoding.S16LE)

    def finish(self) -> bytes:
        """The header, where nothing was fed."""
        return self._take_header()

    def _take_header(self) -> bytes:
        header, self._header = self._header, b""
        return header


@dataclass(frozen=True, slots=True)
class _Codec:
    name: Literal["libmp3lame", "libopus", "flac", "aac"]
    container: str
    sample_format: str
    rate: int | None
    """Hz that it works at, whatever comes in; None: at any."""
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


# Speech does not hear the codecs' slower searches: these settings halve the time of AAC
# and mp3, to 6-9 ms of a core for a second of sound.
_CODECS = {
    # Without the bit reservoir every frame can be decoded by itself.
    Format.MP3: _Codec(
        "libmp3lame",
        "mp3",
        "fltp",
        24_000,
        96_000,
        {"reservoir": "0", "compression_level": "7"},
        {"write_xing": "0", "id3v2_version": "0"},
    ),
    # Ogg pages of about a second are the muxer's default.
    Format.OPUS: _Codec(
        "libopus",
        "ogg",
        "s16",
        24_000,
        48_000,
        {"application": "voip", "compression_level": "5"},
        {"page_duration": "20000"},
    ),
    # Levels up to 2 make frames of 27 ms, higher ones of 105 ms.
    Format.FLAC: _Codec("flac", "flac", "s16", None, None, {"compression_level": "2"}),
    # At 48 kHz a frame is 21 ms long, at 24 kHz 43 ms.
    Format.AAC: _Codec("aac", "adts", "fltp", 48_000, 96_000, {"aac_coder": "fast"}),
}


class _Sink:
    """A file that can only be written, so that no muxer goes back to mend a header."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


class CodecEncoder:
    """A codec and its container, flushed after every packet."""

    def __init__(self, codec: _Codec, sample_rate: int) -> None:
        self._codec = codec
        self._rate = codec.rate or sample_rate
        self._resampler = Resampler(sample_rate, self._rate)
        self._sink = _Sink()
        self._container: OutputContainer = av.open(
            self._sink,
            "w",
            format=codec.container,
            container_options={"flush_packets": "1", **codec.container_options},
        )
        self._stream: AudioStream = self._container.add_stream(
            codec.name,
            rate=self._rate,
            options=codec.options,
            layout="mono",
            format=codec.sample_format,
        )
        self._stream.codec_context.thread_count = 1
        if codec.bit_rate is not None:
            self._stream.bit_rate = codec.bit_rate
        self._fed = 0

    def feed(self, samples: Samples) -> bytes:
        """Encode what makes whole frames; the rest waits."""
        # LAME aborts the process on NaN.
        self._encode(self._resampler.feed(playable(samples)))
        return self._sink.take()

    def finish(self) -> bytes:
        """The last frames, padded with silence where the codec wants whole ones."""
        self._encode(self._resampler.flush())
        if self._fed:
            self._container.mux(list(self._stream.encode(None)))
        self._container.close()
        return self._sink.take()

    def _encode(self, samples: Samples) -> None:
        if not len(samples):
            return
        integer = self._codec.sample_format.startswith("s16")
        frame = av.AudioFrame.from_ndarray(
            (to_levels(samples) if integer else playable(samples))[None, :],
            format=self._codec.sample_format,
            layout="mono",
        )
        frame.sample_rate = self._rate
        frame.pts = self._fed
        self._fed += len(samples)
        self._container.mux(list(self._stream.encode(frame)))
