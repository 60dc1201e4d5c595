"""The work of one frame, in time of the processor: what a busy machine cannot falsify."""

import time

from services.asr.engines.silero import SileroModel
from services.asr.pipeline.intake import Intake
from services.asr.pipeline.session import Session
from shared.audio.pcm import Encoding, encode
from shared.audio.resample import resample
from shared.protocol.asr import Config
from tests.bench.asr.speakers import monologue
from tests.bench.report import Table, spread
from tests.unit.services.asr.pipeline.stage import Stage

FRAMES_PER_S = 50


def work() -> Table:
    """Decode, resample, detect, segment and answer, frame by frame."""
    rows: list[list[str | float]] = []
    for rate, encoding in ((16_000, Encoding.S16LE), (8_000, Encoding.MULAW)):
        took = _frames(rate, encoding)
        mean = sum(took) / len(took)
        rows.append([f"{rate} Hz {encoding}", *spread(took), 100 * mean * FRAMES_PER_S])
    return Table(
        "The work of one frame",
        ("input", "frame of 20 ms, p50 ms", "p95 ms", "max ms", "% of a core a stream"),
        rows,
        (
            "Time of the thread on the processor, not of the clock: what the session adds to "
            "a frame's way from the socket to the messages that it brings about, with an "
            "engine that answers at once. Sockets and JSON are not in it.",
        ),
    )


def _frames(rate: int, encoding: Encoding) -> list[float]:
    stage = Stage()
    stage.session = Session(SileroModel().open(), semantic=False)
    intake = Intake()
    intake.configure(Config(sample_rate=rate, encoding=encoding.value))
    pcm = encode(resample(monologue(1), 16_000, rate), encoding)
    size = encoding.width * rate // FRAMES_PER_S
    took = []
    for at in range(0, len(pcm) - size, size):
        began = time.thread_time()
        stage.hear(intake.feed(pcm[at : at + size]))
        took.append(time.thread_time() - began)
    return took[FRAMES_PER_S:]
