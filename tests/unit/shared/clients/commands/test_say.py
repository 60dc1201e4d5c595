"""``say`` and ``voices`` against a scripted TTS service."""

import wave
from pathlib import Path

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection

from shared import errors
from shared.protocol import tts
from shared.protocol.base import ErrorMessage, Limits, WarningMessage, parse
from tests.doubles.scripted_server import say, scripted
from tests.running.process import free_port
from tests.unit.shared.clients.commands.conftest import Command

READY = tts.Ready(
    session_id="s",
    engine="scripted",
    model="m",
    sample_rate=24_000,
    voices=("anna",),
    limits=Limits(max_connections=1, max_message_bytes=1),
)
AUDIO = np.full(12_000, 0.25, "<f4").tobytes()


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def heard(server: ServerConnection) -> tts.TtsClientMessage:
    return parse(tts.TTS_CLIENT, str(await server.recv()))


async def speak(server: ServerConnection) -> None:
    """Answer any text with a second of sound and a warning."""
    await say(server, READY)
    request = await heard(server)
    assert isinstance(request, tts.Synthesize)
    name = request.request_id or ""
    if request.voice_id == "nobody":
        await say(server, ErrorMessage.of(errors.NotFound("no voice `nobody`"), name))
    else:
        await say(server, WarningMessage(code="c", message=request.text, request_id=name))
        for number in range(2):
            announced = tts.AudioChunk(request_id=name, chunk_id=number, duration_ms=500)
            await say(server, announced, AUDIO)
        await say(
            server,
            tts.SynthesisComplete(request_id=name, total_duration_ms=1000, chunks_sent=2),
        )
    await server.wait_closed()


async def test_a_text_becomes_a_file(command: Command, tmp_path: Path) -> None:
    async with scripted(speak) as stage:
        ran = await command("--tts", stage.endpoint.url, "say", "Hello.", "-o", "out.wav")
    assert (ran.code, ran.err) == (0, "warning: Hello.\n")
    assert ran.out.startswith("out.wav: 1.00 s of sound in ")
    assert ran.out.endswith("by scripted\n")
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (24_000, 24_000)


async def test_an_unknown_voice_is_one_line_and_no_file(command: Command, tmp_path: Path) -> None:
    async with scripted(speak) as stage:
        ran = await command("--tts", stage.endpoint.url, "say", "Hello.", "--voice", "nobody")
    assert (ran.code, ran.err) == (1, "error: no voice `nobody`\n")
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("say", "Hello.", "--speed", "9"), "error: --speed 9: use 0.25 to 4\n"),
        (("say", "Hello.", "-o", "out.txt"), "error: out.txt is no sound file that can"),
    ],
)
async def test_bad_options_are_one_line(
    command: Command, words: tuple[str, ...], message: str
) -> None:
    async with scripted(speak) as stage:
        ran = await command("--tts", stage.endpoint.url, *words)
    assert ran.code == 1
    assert ran.err.startswith(message)
    assert ran.err.count("\n") == 1


async def test_the_voices_and_what_the_names_stand_for(command: Command) -> None:
    async def act(server: ServerConnection) -> None:
        await say(server, READY)
        assert isinstance(await heard(server), tts.ListVoices)
        voices = (
            tts.VoiceMessage(voice_id="anna", name="Anna", languages=("en", "de")),
            tts.VoiceMessage(voice_id="alloy", name="alloy", alias_of="anna"),
            tts.VoiceMessage(voice_id="me", name="me", cloned=True),
        )
        await say(server, tts.Voices(voices=voices, default="anna"))
        await server.wait_closed()

    async with scripted(act) as stage:
        ran = await command("--tts", stage.endpoint.url, "voices")
    assert ran.out.splitlines() == [
        "*  anna   en, de  Anna",
        "   alloy          stands for anna",
        "   me             cloned",
    ]


@pytest.mark.parametrize(
    ("option", "words", "name"),
    [
        ("--tts", ("say", "Hello."), "TTS service"),
        ("--tts", ("voices",), "TTS service"),
    ],
)
async def test_a_service_that_is_not_up_says_how_to_start_it(
    command: Command, option: str, words: tuple[str, ...], name: str
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ran = await command(option, url, *words)
    assert ran.code == 1
    assert ran.err == f"error: {name} is not answering at {url}: start it with `make run`\n"
