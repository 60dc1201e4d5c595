"""Uploads into samples, a second at a time, whatever container and codec they come in.

FFmpeg (through PyAV) is given the bytes and nothing else: only the containers and audio
codecs below are tried, and opening anything that a file points to is refused, so that a
playlist or a reference inside a container leads nowhere. Pictures and video are never
decoded. All functions block; services call them in a thread.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO, Final, Never, Self

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.container import InputContainer

from shared.audio.frames import kind, mono
from shared.audio.pcm import Samples
from shared.errors import InvalidRequest, TooLarge

CONTAINERS: Final = "wav,flac,mp3,ogg,aac,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2"
CODECS: Final = (
    "flac,alac,mp3,mp3float,mp2,mp2float,aac,opus,libopus,vorbis,amrnb,amrwb,gsm,gsm_ms,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,"
    "pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)
LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""Hz of the source. A header saying 1 Hz would blow a few bytes up to hours."""
MOST_FRAME_SAMPLES = 262_144
"""Samples that one frame of a codec may claim to hold (FLAC's limit is 65,535)."""
MISSING_S = 0.5
"""A file that ends this much before its declared end counts as damaged."""

_READABLE = "wav, flac, mp3, ogg, opus, webm, m4a, mp4 or aac"


@dataclass(frozen=True, slots=True)
class Source:
    """What the file says of itself."""

    container: str
    codec: str
    sample_rate: int
    channels: int
    declared_s: float | None
    """Length in seconds where the header tells it; may be wrong."""


class AudioFile:
    """Decodes the first audio track of a file; a context manager.

    Args:
        file: the upload, at any position; only read and sought.
        max_seconds: longest sound accepted, counted in what was decoded.
        sample_rate: Hz of the samples wanted.

    Raises:
        InvalidRequest: empty, not audio, a format outside the lists, no audio track.
    """

    def __init__(self, file: BinaryIO, *, max_seconds: float, sample_rate: int = 16_000) -> None:
        self.sample_rate = sample_rate
        self.max_seconds = max_seconds
        self.damaged = False
        """Set when frames were broken or the file ended early; known after the last block."""
        self._made = 0
        self._container = _open(file)
        with ExitStack() as unfit:
            unfit.callback(self._container.close)
            self._stream = _audio_stream(self._container)
            self.source = self._describe()
            unfit.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder; the file itself stays open."""
        self._container.close()

    @property
    def seconds(self) -> float:
        """Length of what was decoded so far."""
        return self._made / self.sample_rate

    def blocks(self) -> Iterator[Samples]:
        """The sound, float32 [sample_rate] a block, the last one shorter. Once only.

        A truncated or partly broken file gives what can be decoded and sets ``damaged``.

        Raises:
            InvalidRequest: nothing could be decoded, or samples are no numbers.
            TooLarge: the sound is longer than ``max_seconds``.
        """
        waiting: list[Samples] = []
        size = 0
        for piece in self._pieces():
            waiting.append(piece)
            size += len(piece)
            if size >= self.sample_rate:
                joined = np.concatenate(waiting)
                whole = size - size % self.sample_rate
                yield from joined[:whole].reshape(-1, self.sample_rate)
                waiting, size = [joined[whole:]], size - whole
        if not self._made:
            raise InvalidRequest("the file holds no sound that can be decoded", param="file")
        self._note_early_end()
        if size:
            yield np.concatenate(waiting)

    def _describe(self) -> Source:
        stream = self._stream
        declared = self._container.duration
        return Source(
            container=self._container.format.name,
            codec=stream.codec_context.name,
            sample_rate=stream.codec_context.sample_rate,
            channels=stream.codec_context.channels,
            declared_s=declared / av.time_base if declared and declared > 0 else None,
        )

    def _pieces(self) -> Iterator[Samples]:
        """Mono samples at the wanted rate, about a second at a time."""
        for rate, runs in groupby(self._runs(), key=lambda run: run[0].sample_rate):
            _check_rate(rate)
            resampler = soxr.ResampleStream(rate, self.sample_rate, 1, quality="HQ")
            for run in runs:
                yield self._counted(resampler.resample_chunk(mono(run)))
            yield self._counted(resampler.resample_chunk(np.zeros(0, np.float32), last=True))

    def _runs(self) -> Iterator[list[av.AudioFrame]]:
        """Frames of one kind, about a second together: numpy's cost is by the call."""
        run: list[av.AudioFrame] = []
        size = 0
        for frame in self._frames():
            if run and (size >= frame.sample_rate or kind(frame) != kind(run[0])):
                yield run
                run, size = [], 0
            run.append(frame)
            size += frame.samples
        if run:
            yield run

    def _frames(self) -> Iterator[av.AudioFrame]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    self.damaged = True
        except av.error.FFmpegError:
            self.damaged = True

    def _counted(self, piece: Samples) -> Samples:
        self._made += len(piece)
        if self.seconds > self.max_seconds:
            raise TooLarge(f"the sound is longer than {self.max_seconds:g} seconds", param="file")
        return np.clip(piece, -1.0, 1.0)  # filters overshoot

    def _note_early_end(self) -> None:
        declared = self.source.declared_s
        # Of the others FFmpeg guesses the length from the bit rate, or from the file's size.
        trusted = self.source.container.startswith(("flac", "mov", "matroska"))
        if trusted and declared is not None and declared - self.seconds > MISSING_S:
            self.damaged = True


def read(file: BinaryIO, *, max_seconds: float, sample_rate: int) -> Samples:
    """A whole file of bounded length, float32 [n]; errors as in :class:`AudioFile`."""
    with AudioFile(file, max_seconds=max_seconds, sample_rate=sample_rate) as audio:
        return np.concatenate(list(audio.blocks()))


def _open(file: BinaryIO) -> InputContainer:
    file.seek(0)
    if not file.read(1):
        raise InvalidRequest("the file is empty", param="file")
    file.seek(0)
    options = {
        "format_whitelist": CONTAINERS,
        "codec_whitelist": CODECS,
        "protocol_whitelist": "none",
        "max_samples": str(MOST_FRAME_SAMPLES),
    }
    try:
        return av.open(
            file, "r", options=options, io_open=_refuse_to_follow, metadata_errors="replace"
        )
    except (av.error.FFmpegError, PermissionError) as error:
        raise InvalidRequest(
            f"not a sound file that can be read ({_READABLE})", param="file"
        ) from error


def _refuse_to_follow(_url: str, _flags: int, _options: object) -> Never:
    raise PermissionError("the file points to another resource")


def _check_rate(rate: int) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InvalidRequest(f"the file's sample rate of {rate} Hz is not supported", param="file")


def _audio_stream(container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise InvalidRequest("the file holds no audio track", param="file")
    stream = container.streams.audio[0]
    context = stream.codec_context
    if context is None or not context.sample_rate:
        raise InvalidRequest("the file's audio codec is not supported", param="file")
    context.options = {"max_samples": str(MOST_FRAME_SAMPLES)}
    context.thread_count = 1
    return stream
