"""``voices``: what there is to speak with."""

import argparse

from shared.clients.commands.console import Console
from shared.clients.commands.settings import ClientSettings
from shared.clients.tts import TtsClient
from shared.protocol.tts import VoiceMessage


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "voices",
        help="list the voices",
        description="List the voices of the TTS service, and what the other names stand for.",
    )
    parser.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: ClientSettings, console: Console) -> int:
    """One line a voice: its id, its languages, its name; the default has a star."""
    del arguments
    async with TtsClient(settings.tts) as client:
        found = await client.voices()
    rows = [_row(voice) for voice in found.voices]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for voice, row in zip(found.voices, rows, strict=True):
        star = "*" if voice.voice_id == found.default else " "
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        console.line("  ".join((star, *cells)).rstrip())
    return 0


def _row(voice: VoiceMessage) -> tuple[str, str, str]:
    if voice.alias_of is not None:
        return voice.voice_id, "", f"stands for {voice.alias_of}"
    name = voice.name if voice.name != voice.voice_id else ""
    return voice.voice_id, ", ".join(voice.languages), "cloned" if voice.cloned else name
