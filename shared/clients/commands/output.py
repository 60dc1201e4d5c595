"""Sound files that commands write: whole with true sizes, or not at all."""

from pathlib import Path
from typing import Self

from shared.audio.encode import Encoder, Format, encoder
from shared.audio.pcm import Samples
from shared.audio.wav import WavFile
from shared.errors import InvalidRequest

_SUFFIXES = {".ogg": Format.OPUS, **{f".{each}": each for each in Format}}


class SoundFile:
    """Encodes as its name's suffix says; appears under that name once it is whole.

    Raises:
        InvalidRequest: a suffix that is no format, a folder that cannot be written.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        if path.suffix.lower() not in _SUFFIXES:
            known = " ".join(sorted(_SUFFIXES))
            raise InvalidRequest(f"{path} is no sound file that can be written: use {known}")
        self.path = path
        self.seconds = 0.0
        """Length of what was written."""
        self._sample_rate = sample_rate
        self._part = path.with_name(f".{path.name}.part")
        try:
            self._writer = _writer(_SUFFIXES[path.suffix.lower()], self._part, sample_rate)
        except OSError as error:
            raise InvalidRequest(f"cannot write {path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._writer.close()
        if kind is None:
            self._part.replace(self.path)
        else:
            self._part.unlink()

    def write(self, samples: Samples) -> None:
        """Append samples, float32 [n]."""
        self._writer.write(samples)
        self.seconds += len(samples) / self._sample_rate


class _Encoded:
    """An encoder and the file behind it."""

    def __init__(self, path: Path, making: Encoder) -> None:
        self._file = path.open("wb")
        self._making = making

    def write(self, samples: Samples) -> None:
        self._file.write(self._making.feed(samples))

    def close(self) -> None:
        self._file.write(self._making.finish())
        self._file.close()


def _writer(wanted: Format, path: Path, sample_rate: int) -> WavFile | _Encoded:
    if wanted is Format.WAV:
        return WavFile(path, sample_rate)
    return _Encoded(path, encoder(wanted, sample_rate))
