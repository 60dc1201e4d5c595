"""Streaming finals against the whole file, on the same weights."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from websockets.asyncio.client import connect

from shared.audio.pcm import Encoding, Samples, encode
from tests.audio.sounds import sound_file
from tests.bench.report import Table
from tests.models.tiny_whisper import grammar
from tests.models.tiny_whisper.evaluate import WEIGHTS, errors
from tests.models.tiny_whisper.speech import UNSEEN_VARIANTS, Synthesiser, any_voice
from tests.running.process import Process, service

RATE = 16_000
WORDS = 2_000
PAUSE_S = 2.5
"""So long that the file's windows hold one sentence, as the stream's turns do."""
SENTENCES = 8
"""In one recording."""
DRAWS = 2_000
SEED = 1234
"""Not one of the training's."""
ENVIRON = {
    "ASR_ENGINE": "whisper",
    "ASR_MODEL": str(WEIGHTS),
    "ASR_THREADS": "1",
    "ASR_CAPACITY": "30",
    "ASR_SHORT_WINDOWS": "4,8",
    "ASR_SMART_TURN": "off",
    "LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """Sentences with pauses, never heard by the training, half of the voices neither."""

    said: tuple[tuple[str, ...], ...]
    sound: Samples


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one recording."""

    words: int
    stream_errors: int
    file_errors: int
    turns: int
    lost_at_joints: int
    """First or last words of sentences that the file has and the stream has not."""


def recordings(words: int = WORDS) -> list[Recording]:
    """At least so many words."""
    rng = random.Random(SEED)
    synthesiser = Synthesiser()
    silence = np.zeros(int(PAUSE_S * RATE), np.float32)
    made: list[Recording] = []
    while sum(len(text) for each in made for text in each.said) < words:
        said = tuple(grammar.sentence(rng) for _ in range(SENTENCES))
        parts = [silence[: RATE // 2]]
        for index, text in enumerate(said):
            variants = UNSEEN_VARIANTS if index % 2 else ("", "+f1", "+m1")
            spoken = synthesiser.say(text, any_voice(rng, variants)).samples
            parts += [spoken * np.float32(0.5), silence]
        made.append(Recording(said, np.concatenate(parts).astype(np.float32)))
    return made


async def streaming_against_file() -> Table:
    """Both ways through the real service."""
    found: list[Heard] = []
    async with service("-m", "services.asr", port_variable="ASR_PORT", env=ENVIRON) as running:
        for recording in recordings():
            turns = await streamed(running, recording.sound)
            whole = await filed(running, recording.sound)
            found.append(compared(recording, turns, whole))
    return _table(found)


async def streamed(running: Process, sound: Samples) -> list[list[str]]:
    """The words of each turn, over `/ws`."""
    turns: list[list[str]] = []
    async with connect(f"{running.ws}/ws", max_size=None, proxy=None) as socket:

        async def listen() -> None:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "final":
                    turns.append(message["text"].split())
                elif message["type"] == "ping":
                    await socket.send(json.dumps({"type": "pong", "t": message["t"]}))

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            await socket.send(json.dumps({"type": "config", "language": "en", "partials": False}))
            for at in range(0, len(sound), RATE // 10):
                await socket.send(encode(sound[at : at + RATE // 10], Encoding.S16LE))
            await socket.send('{"type":"end"}')
    return turns


async def filed(running: Process, sound: Samples) -> list[str]:
    """The words of the recording, over REST."""
    async with httpx.AsyncClient(base_url=running.http, trust_env=False, timeout=300) as http:
        answer = await http.post(
            "/v1/audio/transcriptions",
            data={"model": "whisper-1", "language": "en"},
            files={"file": ("a.flac", sound_file("flac", sound, RATE))},
        )
    return str(answer.json()["text"]).split()


def compared(recording: Recording, turns: Sequence[Sequence[str]], whole: Sequence[str]) -> Heard:
    """Errors of both, and what is missing at the edges of turns."""
    said = [word for text in recording.said for word in text]
    joined = [word for turn in turns for word in turn]
    lost = 0
    if len(turns) == len(recording.said):
        for text, turn in zip(recording.said, turns, strict=True):
            lost += (text[0] not in turn[:2]) and text[0] in whole
            lost += (text[-1] not in turn[-2:]) and text[-1] in whole
    return Heard(len(said), errors(said, joined), errors(said, whole), len(turns), lost)


def _table(found: Sequence[Heard]) -> Table:
    words = np.array([each.words for each in found])
    stream = np.array([each.stream_errors for each in found])
    file = np.array([each.file_errors for each in found])
    draws = np.random.default_rng(0).integers(0, len(found), (DRAWS, len(found)))
    points = 100 * (stream[draws].sum(1) - file[draws].sum(1)) / words[draws].sum(1)
    low, high = np.percentile(points, [2.5, 97.5])
    total = int(words.sum())
    rows: list[list[str | float]] = [
        ["stream, finals", f"{100 * stream.sum() / total:.2f} %", str(int(stream.sum()))],
        ["whole file", f"{100 * file.sum() / total:.2f} %", str(int(file.sum()))],
        ["difference", f"{100 * (stream.sum() - file.sum()) / total:+.2f} points", "-"],
        ["95 % of bootstrap draws", f"{low:+.2f} to {high:+.2f} points", "-"],
        ["lost at joints", "-", str(sum(each.lost_at_joints for each in found))],
    ]
    turns = sum(each.turns for each in found)
    return Table(
        "Streaming finals against the whole file",
        ("what", "word error rate", "words"),
        rows,
        (
            f"{total:,} unseen words in {len(found)} recordings of {SENTENCES} sentences "
            f"({turns} turns were heard), our tiny Whisper, int8; without partials, which "
            "change nothing in turns this short. The bootstrap draws recordings. Lost at "
            "joints: first or last words of a sentence that the file has and its turn has "
            "not, where as many turns as sentences were heard.",
        ),
    )
