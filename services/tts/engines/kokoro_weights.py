"""Kokoro's files: where they are, or where they come from."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.errors import EngineUnavailable
from shared.knock import knock

log = logging.getLogger(__name__)

MODEL, VOICES = "kokoro-v1.0.onnx", "voices-v1.0.bin"
_STALL_S = 30.0
"""Longest pause in a download that has begun."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The model and its voices."""

    model: Path
    voices: Path
    url: str
    """Where what is missing is downloaded from; empty: nowhere."""

    @property
    def present(self) -> bool:
        """Whether both files are on this disk."""
        return self.model.is_file() and self.voices.is_file()

    def get(self) -> tuple[Path, Path]:
        """Both files, downloaded where they are missing.

        Raises:
            EngineUnavailable: naming the file, what went wrong and the remedy.
        """
        for path, name in ((self.model, MODEL), (self.voices, VOICES)):
            if not path.is_file():
                self._download(path, name)
        return self.model, self.voices

    def _download(self, path: Path, name: str) -> None:
        remedy = "set TTS_KOKORO_MODEL and TTS_KOKORO_VOICES to files from kokoro-onnx's releases"
        if not self.url:
            raise EngineUnavailable(f"no file {path}; {remedy}")
        address = f"{self.url.rstrip('/')}/{name}"
        log.info("downloading", extra={"file": name, "url": address})
        try:
            knock(address)
            _fetch(address, path)
        except (httpx.HTTPError, OSError) as error:
            what = str(error) or type(error).__name__
            raise EngineUnavailable(f"{name} cannot be had: {what}; {remedy}") from error


def _fetch(address: str, path: Path) -> None:
    """Write to a neighbour first: a download that was cut off is no file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with (
            httpx.stream("GET", address, timeout=_STALL_S, follow_redirects=True) as answer,
            partial.open("wb") as file,
        ):
            answer.raise_for_status()
            for part in answer.iter_bytes(1 << 20):
                file.write(part)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
