"""``transcribe`` against a small server that speaks OpenAI's form and events."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.clients.commands.transcribe import FORMATS
from shared.clients.connection import Endpoint
from shared.clients.transcriptions import Heard, TranscriptionClient
from shared.errors import EngineFailed, InvalidRequest, ParleyError, UpstreamFailed
from shared.web.faults import body, response
from tests.audio.sounds import sound_file, tone
from tests.running.app import serving
from tests.running.process import free_port
from tests.unit.shared.clients.commands.conftest import Command

DELTAS: list[dict[str, object]] = [
    {"type": "transcript.text.delta", "delta": "one", "seconds": 1.0},
    {"type": "transcript.text.delta", "delta": " two"},
]
DONE: dict[str, object] = {"type": "transcript.text.done", "text": "one two"}


@dataclass
class Ears:
    """Hears the same in every file but text."""

    events: list[dict[str, object]] = field(default_factory=lambda: [*DELTAS, DONE])
    forms: list[dict[str, str]] = field(default_factory=list)

    async def transcribe(self, request: Request) -> Response:
        """Answer as asked."""
        async with request.form() as form:
            self.forms.append({key: value for key, value in form.items() if isinstance(value, str)})
            upload = form["file"]
            assert isinstance(upload, UploadFile)
            if (await upload.read(4)) == b"text":
                return response(InvalidRequest("not a sound file", param="file"))
        if self.forms[-1].get("stream") != "true":
            return PlainTextResponse(f"as {self.forms[-1]['response_format']}")
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[str]:
        for event in self.events:
            yield f"data: {json.dumps(event)}\n\n"


@asynccontextmanager
async def hearing(ears: Ears) -> AsyncIterator[str]:
    app = Starlette(routes=[Route("/v1/audio/transcriptions", ears.transcribe, methods=["POST"])])
    async with serving(app) as url:
        yield url


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    path.write_bytes(sound_file("wav", tone(24_000, 2)))
    return path


async def test_a_file_becomes_text(command: Command, recording: Path) -> None:
    ears = Ears()
    async with hearing(ears) as url:
        ran = await command("--asr", url, "transcribe", recording, "--language", "en")
    assert ran == (0, "one two\n", "")
    assert ears.forms == [{"model": "whisper-1", "language": "en", "stream": "true"}]


@pytest.mark.parametrize("wanted", sorted(set(FORMATS) - {"text"}))
async def test_other_formats_come_as_they_are(
    command: Command, recording: Path, wanted: str
) -> None:
    async with hearing(Ears()) as url:
        ran = await command("--asr", url, "transcribe", recording, "--format", wanted)
    assert ran == (0, f"as {wanted}\n", "")


async def test_a_bad_file_is_told_and_the_others_are_done(
    command: Command, recording: Path, tmp_path: Path
) -> None:
    bad, gone = tmp_path / "bad.wav", tmp_path / "gone.wav"
    bad.write_text("text named .wav")
    async with hearing(Ears()) as url:
        ran = await command("--asr", url, "transcribe", bad, gone, recording)
    assert ran.code == 1
    assert ran.out == f"==> {recording} <==\none two\n"
    assert ran.err.splitlines() == [
        f"error: {bad}: not a sound file",
        f"error: {gone}: No such file or directory",
    ]


async def test_a_service_that_is_not_up_says_how_to_start_it(
    command: Command, recording: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ran = await command("--asr", url, "transcribe", recording)
    assert ran.code == 1
    assert ran.err == f"error: ASR service is not answering at {url}: start it with `make run`\n"


async def test_the_client_streams_and_counts(recording: Path) -> None:
    sent: list[int] = []
    async with hearing(Ears()) as url, TranscriptionClient(Endpoint(url)) as client:
        found = [each async for each in client.stream(recording, {}, sent.append)]
    assert found == [Heard("one", 1.0), Heard(" two", None), Heard("one two", None, last=True)]
    assert sent[-1] == len(sound_file("wav", tone(24_000, 2)))


async def test_a_bar_shows_how_far_the_service_is(
    command: Command, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    async with hearing(Ears()) as url:
        ran = await command("--asr", url, "transcribe", recording)
    frames = [frame.strip() for frame in ran.err.split("\r") if frame.strip()]
    assert frames[0].startswith("tone.wav [")
    assert "10% listening" in frames[-2]  # all is sent
    assert "55% listening" in frames[-1]  # one second of two is heard
    assert ran.err.endswith(" \r")
    assert ran.out == "one two\n"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (body("engine_failed", "it broke", 500), EngineFailed),
        ({"type": "telepathy"}, UpstreamFailed),
    ],
)
async def test_errors_in_the_middle_are_raised(
    recording: Path, event: dict[str, object], kind: type[ParleyError]
) -> None:
    ears = Ears([*DELTAS, event])
    async with hearing(ears) as url, TranscriptionClient(Endpoint(url)) as client:
        with pytest.raises(kind):
            [each async for each in client.stream(recording, {}, lambda _: None)]
