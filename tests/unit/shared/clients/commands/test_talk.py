"""``talk`` against a small orchestrator: the recording in, transcript, times and reply out."""

import wave
from pathlib import Path

import pytest
from starlette.websockets import WebSocket

from shared.clients.commands import talk
from shared.protocol import conversation as wire
from tests.audio.sounds import sound_file, tone
from tests.running.process import free_port
from tests.unit.shared.clients.commands.conftest import Command
from tests.unit.shared.clients.test_conversation import SESSION, orchestrator, say

FRAME = int(talk.FRAME_S * talk.MICROPHONE_RATE) * 2


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(talk, "QUIET_S", 0.1)
    monkeypatch.setattr(talk, "ROOM_S", 0.0)
    path = tmp_path / "tone.wav"
    path.write_bytes(sound_file("wav", tone(24_000, 0.2)))
    return path


async def answer(websocket: WebSocket) -> None:
    """Hear 200 ms, then say half a second."""
    await say(websocket, SESSION)
    for number in range(10):
        frame = await websocket.receive_bytes()
        assert len(frame) == FRAME, number
    await say(
        websocket,
        wire.TranscriptEvent(text="hello", turn_id="1"),
        wire.StateEvent(value="speaking"),
        wire.ReplyDone(turn_id="1", text="You said: hello."),
        wire.AudioStart(turn_id="1"),
    )
    await websocket.send_bytes(bytes(24_000))
    metrics = wire.TurnMetrics(
        turn_id="1", stt_ms=120, tts_first_chunk_ms=50, synthesis_ms=300, e2e_ms=180
    )
    await say(websocket, wire.AudioEnd(turn_id="1", duration_ms=500), metrics)
    await say(websocket, wire.StateEvent(value="listening"))
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def deaf(websocket: WebSocket) -> None:
    """Hear nothing."""
    await say(websocket, SESSION)
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def test_a_recording_is_answered(command: Command, recording: Path, tmp_path: Path) -> None:
    async with orchestrator(answer) as stage:
        ran = await command(
            "--orchestrator", stage.endpoint.url, "talk", recording, "-o", "reply.wav"
        )
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        "you:    hello",
        "parley: You said: hello.",
        "  text                             120 ms",
        "  first sound of the voice          50 ms",
        "  end of speech to first sound     180 ms",
        "  first sound came 250 ms before its synthesis was finished",
        "reply.wav: 0.50 s of reply",
    ]
    assert ran.err == "no language model: the reply says back what was heard\n"
    with wave.open(str(tmp_path / "reply.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (24_000, 12_000)
    assert stage.erased == ["s1"]


async def test_silence_is_told_after_patience(command: Command, recording: Path) -> None:
    async with orchestrator(deaf) as stage:
        ran = await command(
            "--orchestrator", stage.endpoint.url, "talk", recording, "--patience", "0.5"
        )
    assert ran.code == 1
    assert ran.err.endswith("error: nothing was heard in the recording within 0.5 s of its end\n")


async def test_what_is_no_sound_is_told_before_anything_starts(
    command: Command, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("text")
    url = f"http://127.0.0.1:{free_port()}"
    ran = await command("--orchestrator", url, "talk", bad)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert f"error: {bad}: not a sound file" in ran.err
    gone = await command("--orchestrator", url, "talk", tmp_path / "gone.wav")
    assert "No such file" in gone.err


async def test_a_service_that_is_not_up_says_how_to_start_it(
    command: Command, recording: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ran = await command("--orchestrator", url, "talk", recording)
    assert ran.err == f"error: orchestrator is not answering at {url}: start it with `make run`\n"


def test_the_room_is_quiet_before_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(sound_file("wav", tone(24_000, 0.2)))
    second = talk.MICROPHONE_RATE * 2

    played = talk._microphone(path)

    assert played[:second] == bytes(second)
    assert any(played[second : second + FRAME])
