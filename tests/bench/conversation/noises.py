"""How often a noise over a reply lowers or cuts it: real ASR, real TTS, real recordings.

``python -m tests.bench.conversation.noises``; without recordings only what espeak-ng says.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from shared.audio.pcm import Samples
from tests.audio import recordings
from tests.audio.speech import speech
from tests.bench import report
from tests.doubles.llm_server import ScriptedLlm, says
from tests.integration.orchestrator.client import Client, House, door
from tests.running.service import ServiceProcess

WEIGHTS = Path(__file__).parents[2] / "models" / "tiny_whisper" / "weights"
REPLY = "There is a flight to Paris in the morning, another one leaves at noon, " * 3
SECONDS = 6.0
BACKCHANNELS = ("okay", "right", "yeah", "I see", "mm-hmm", "uh-huh")
INTERRUPTIONS = ("stop please", "wait a moment", "no thanks", "that is wrong", "can you help me")
QUIET = np.zeros(8_000, np.float32)


def sounds() -> Iterator[tuple[str, str, Samples]]:
    """Kind, name and sound."""
    for entry in recordings.recordings("noise/speechbrain-noise"):
        samples = recordings.load(entry["file"])[: round(SECONDS * 16_000)]
        yield "noise", entry["file"].rpartition("/")[2], samples
    for text in BACKCHANNELS:
        yield "back-channel", text, np.concatenate([QUIET, speech(text), QUIET, QUIET])
    for text in INTERRUPTIONS:
        yield "interruption", text, np.concatenate([QUIET, speech(text), QUIET, QUIET])


@contextmanager
def neighbours() -> Iterator[dict[str, str]]:
    """ASR with the tiny Whisper, TTS with espeak-ng."""
    with ExitStack() as stack:
        model = {"ASR_ENGINE": "whisper", "ASR_MODEL": str(WEIGHTS), "ASR_THREADS": "1"}
        asr = stack.enter_context(ServiceProcess("asr", **model))
        tts = stack.enter_context(ServiceProcess("tts", TTS_ENGINE="espeak"))
        yield {"ASR_URL": asr.url, "TTS_URL": tts.url}


async def judged(house: House, sound: Samples) -> tuple[bool, bool]:
    """Whether the sound over a reply ducked it, and whether it cut it."""
    async with house.talking(fillers=False, sensitivity=0.5) as client:
        await client.send("text", text="when can I fly")
        await client.until("audio.start", 20.0)
        await client.plays(sound, pace=True)
        await _quiet(client)
        return "audio.duck" in client.kinds(), "audio.clear" in client.kinds()


async def _quiet(client: Client) -> None:
    """Let the recogniser say its last word on it."""
    playing = asyncio.create_task(client.plays(np.zeros(32_000, np.float32), pace=True))
    try:
        await client.until("reply.done", 2.5)
    except TimeoutError:
        pass
    finally:
        await playing


async def measure() -> dict[str, list[tuple[str, bool, bool]]]:
    """Every sound, one after the other."""
    found: dict[str, list[tuple[str, bool, bool]]] = {}
    with neighbours() as urls:
        async with ScriptedLlm(says(REPLY)).running() as llm:
            with ServiceProcess("orchestrator", LLM_BASE_URL=llm.url, **urls) as orchestrator:
                async with door(orchestrator.url) as house:
                    for kind, name, sound in sounds():
                        ducked, cut = await judged(house, sound)
                        found.setdefault(kind, []).append((name, ducked, cut))
    return found


def main() -> None:
    """Measure, and write the section."""
    found = asyncio.run(measure())
    rows = [
        (
            kind,
            str(len(judgements)),
            str(sum(ducked for _, ducked, _ in judgements)),
            str(sum(cut for _, _, cut in judgements)),
            ", ".join(name for name, _, cut in judgements if cut) or "none",
        )
        for kind, judgements in found.items()
    ]
    columns = ("sound over a reply", "number", "ducked", "cut", "those that cut")
    notes = (
        "Sensitivity 0.5, the tiny Whisper of the tests as recogniser, sounds in real time. Noises"
        " and back-channels should cut nothing, interruptions should all cut.",
    )
    table = report.Table("What interrupts a reply", columns, rows, notes)
    sys.stdout.write(f"{table.markdown()}\n")
    command = "python -m tests.bench.conversation.noises"
    report.write("interruptions", "Interruptions", command, [table])


if __name__ == "__main__":
    main()
