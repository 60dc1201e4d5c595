"""``say``: a text becomes a sound file."""

import argparse
import sys
from pathlib import Path

from shared.clients.commands.console import Console
from shared.clients.commands.output import SoundFile
from shared.clients.commands.settings import ClientSettings
from shared.clients.tts import TtsClient
from shared.clock import SystemClock
from shared.errors import InvalidRequest
from shared.protocol import tts

SAMPLE_RATE = 24_000
"""Hz, of the sound that is asked for and written."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "say",
        help="speak a text into a sound file",
        description="Speak a text into a sound file: wav, mp3, opus, ogg, flac or aac.",
    )
    parser.add_argument("text", help="what to say; - reads it from standard input")
    parser.add_argument("-o", "--output", type=Path, default=Path("speech.wav"), metavar="FILE")
    parser.add_argument("--voice", default="default", help="a name from `voices`")
    parser.add_argument("--language", help="ISO 639-1, where the voice does not say it")
    parser.add_argument("--speed", type=float, default=1.0, help="0.25 to 4; default 1")
    parser.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: ClientSettings, console: Console) -> int:
    """Speak, write, and tell how long it took."""
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    options = _options(arguments)
    clock = SystemClock()
    async with TtsClient(settings.tts) as client:
        request = await client.request(options.model_copy(update={"text": text}))
        began, first_s = clock.now(), None
        with SoundFile(arguments.output, SAMPLE_RATE) as file:
            async for chunk in request:
                first_s = clock.now() - began if first_s is None else first_s
                file.write(chunk.samples)
        took_s = clock.now() - began
    for warning in request.warnings:
        console.note(f"warning: {warning.message}")
    first_ms = 0 if first_s is None else round(first_s * 1000)
    console.line(
        f"{arguments.output}: {file.seconds:.2f} s of sound in {took_s:.2f} s "
        f"(first after {first_ms} ms) by {client.ready.engine}"
    )
    return 0


def _options(arguments: argparse.Namespace) -> tts.Synthesize:
    if not 0.25 <= arguments.speed <= 4:
        raise InvalidRequest(f"--speed {arguments.speed:g}: use 0.25 to 4")
    return tts.Synthesize(
        voice_id=arguments.voice,
        language=arguments.language,
        speed=arguments.speed,
        format=tts.AudioFormat(encoding="f32le", sample_rate=SAMPLE_RATE),
    )
