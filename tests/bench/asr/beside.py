"""Live speakers while a long file is being transcribed on the same model."""

import asyncio
from contextlib import suppress

import httpx
import numpy as np

from services.asr.engines.base import Priority
from tests.audio.sounds import sound_file
from tests.audio.speech import speech
from tests.bench.asr.accuracy import ENVIRON
from tests.bench.asr.live import REAL, Load, speak
from tests.bench.report import Table, spread
from tests.integration.asr.watching import metric
from tests.running.process import Process, service

RATE = 16_000
HOURS = 3.0
STREAMS = 3
LARGE = {**ENVIRON, "ASR_MAX_UPLOAD_MB": "1000"}
DECIDED_S = 0.8
"""From the pause of 200 ms to the end of the turn after a second of silence."""


async def a_file(seconds: float) -> Table:
    """The finals' delay without and with the file, on one service."""
    async with service(*REAL, port_variable="ASR_PORT", env=LARGE) as running:
        alone = await speak(running, STREAMS, seconds)
        upload = asyncio.create_task(_transcribe(running))
        await _until_begun(running, upload)
        beside = await speak(running, STREAMS, seconds)
        unfinished = not upload.done()
        upload.cancel()
        with suppress(asyncio.CancelledError):
            await upload
    rows = [_row("without a file", alone), _row("with a file", beside)]
    ratio = float(rows[1][2]) / float(rows[0][2])
    rows.append(["ratio", "", ratio, "", ""])
    state = "was still" if unfinished else "was no longer"
    return Table(
        "Live finals beside a long file",
        ("", "text after the pause p50 ms", "p95", "max", "turns"),
        rows,
        (
            f"{STREAMS} live speakers, our tiny Whisper on one core of CPU; the file is "
            f"{HOURS:g} h of speech and {state} being transcribed at the end. Counted from the "
            "last sample of the 200 ms pause to the text, be it a `candidate` or, where the "
            f"turn had ended by then, a `final` ({DECIDED_S * 1000:.0f} ms are added to the "
            "latter's delay). A step that has begun cannot be interrupted: a final waits for at "
            "most one window of the file, and goes before all others. On a CPU such a window "
            "takes as long as the final itself or longer.",
        ),
    )


async def _until_begun(running: Process, upload: asyncio.Task[None]) -> None:
    """Wait until the model has heard windows of the file."""
    file = f'priority="{Priority.FILE}"'
    while not await metric(running, "parley_asr_queue_seconds_count", file):
        if upload.done():
            upload.result()
            raise RuntimeError("the file was done before the speakers began")
        await asyncio.sleep(0.2)


async def _transcribe(running: Process) -> None:
    pause = np.zeros(RATE, np.float32)
    minute = np.concatenate(
        [speech("I would like to book a flight to Paris on Monday morning"), pause] * 14
    )
    sound = np.tile(minute, int(HOURS * 3600 * RATE / len(minute)))
    data = await asyncio.to_thread(sound_file, "flac", sound, RATE)
    async with httpx.AsyncClient(base_url=running.http, trust_env=False, timeout=None) as http:
        answer = await http.post(
            "/v1/audio/transcriptions",
            data={"model": "whisper-1", "language": "en"},
            files={"file": ("long.flac", data)},
        )
    answer.raise_for_status()


def _row(name: str, load: Load) -> list[str | float]:
    early = load.latencies.get("candidate", [])
    late = [seconds + DECIDED_S for seconds in load.latencies.get("final", [])]
    texts = early + sorted(late, reverse=True)[: max(load.finals - len(early), 0)]
    return [name, *spread(texts), str(load.finals)]
