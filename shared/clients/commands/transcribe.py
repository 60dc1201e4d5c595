"""``transcribe``: sound files become text."""

import argparse
from pathlib import Path

from shared.audio.decode import AudioFile
from shared.clients.commands.console import Bar, Console
from shared.clients.commands.settings import ClientSettings
from shared.clients.transcriptions import TranscriptionClient
from shared.errors import InvalidRequest, ParleyError

FORMATS = ("text", "json", "srt", "vtt", "verbose_json")
_UPLOAD_SHARE = 0.1
"""Of the bar; the rest is the work."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "transcribe",
        help="turn sound files into text",
        description="Turn sound files into text: wav, flac, mp3, ogg, opus, webm, m4a, mp4.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--language", help="ISO 639-1; default: detected")
    parser.add_argument("--prompt", help="words to expect, such as names")
    parser.add_argument("--model", default="whisper-1", help="default: the one that is loaded")
    parser.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: ClientSettings, console: Console) -> int:
    """One file after the other; a bad one is told and the others are still done."""
    failed = 0
    fields = {
        name: value
        for name in ("model", "language", "prompt")
        if (value := getattr(arguments, name)) is not None
    }
    async with TranscriptionClient(settings.asr) as client:
        for path in arguments.files:
            job = _Job(client, path, fields, console.bar(path.name))
            try:
                text = await job.run(arguments.format)
            except (InvalidRequest, OSError) as error:
                failed += 1
                console.note(f"error: {path}: {_reason(error)}")
                continue
            if len(arguments.files) > 1:
                console.line(f"==> {path} <==")
            console.line(text)
    return 1 if failed else 0


class _Job:
    """One file on its way."""

    def __init__(
        self, client: TranscriptionClient, path: Path, fields: dict[str, str], bar: Bar
    ) -> None:
        self._client = client
        self._path = path
        self._fields = fields
        self._bar = bar

    async def run(self, wanted: str) -> str:
        """Its text in the format wanted."""
        try:
            if wanted == "text":
                return await self._stream()
            fields = {**self._fields, "response_format": wanted}
            return await self._client.whole(self._path, fields, self._sent)
        finally:
            self._bar.clear()

    async def _stream(self) -> str:
        length_s = _length_s(self._path)
        async for heard in self._client.stream(self._path, self._fields, self._sent):
            if heard.last:
                return heard.text
            if heard.seconds is not None and length_s:
                done = heard.seconds / length_s
                self._bar.show(_UPLOAD_SHARE + (1 - _UPLOAD_SHARE) * done, "listening")
        return ""

    def _sent(self, count: int) -> None:
        share = count / max(1, self._path.stat().st_size)
        self._bar.show(_UPLOAD_SHARE * share, "sending" if share < 1 else "listening")


def _length_s(path: Path) -> float | None:
    """Seconds, where the file says it; the service judges whether it is sound at all."""
    try:
        with path.open("rb") as file, AudioFile(file, max_seconds=1.0) as audio:
            return audio.source.declared_s
    except InvalidRequest:
        return None


def _reason(error: ParleyError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return error.message
