"""Beginnings of turns: what noise begins, and which words are missed for it.

Recorded noise is heard at several levels; single digits are heard on a quiet line and with
the noise behind them. Everything as 16 kHz and as 8 kHz µ-law.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from services.asr.engines.base import Samples
from services.asr.engines.silero import SileroModel
from services.asr.pipeline.intake import Intake
from services.asr.pipeline.session import Session
from shared.audio.pcm import Encoding, encode
from shared.protocol.asr import Config, Environment, SpeechStart, VadOverrides
from tests.audio.recordings import load, recordings
from tests.bench.report import Table
from tests.unit.services.asr.pipeline.stage import Stage

LINES = ((16_000, Encoding.S16LE), (8_000, Encoding.MULAW))
LEVELS = (1.0, 0.5, 0.25, 0.1, 0.03)
FLOOR = 0.0015
BEHIND = ("noise/speechbrain-noise1.wav", "noise/speechbrain-noise5.wav")
RATIOS_DB = (10, 5)
LEAST = 0.01
"""A peak that every voiced frame reaches."""


def starts() -> list[Table]:
    """Turns begun by noise and digits missed, by environment; none without recordings."""
    if not recordings("noise/"):
        return []
    silero = SileroModel()
    noise = [(level, audio) for level in LEVELS for audio in _noise(level)]
    digits = [list(_digits(ratio)) for ratio in (None, *RATIOS_DB)]
    rows: list[list[str | float]] = []
    for environment in Environment:
        for name, vad in (("both", VadOverrides()), ("64 ms", VadOverrides(peak_threshold=LEAST))):
            config = Config(environment=environment, vad=vad)
            counts = [(level, _starts(silero, config, audio)) for level, audio in noise]
            missed = [
                f"{sum(not _starts(silero, config, audio) for audio in kind)} of {len(kind)}"
                for kind in digits
            ]
            loud = sum(count for level, count in counts if level == 1.0)
            every = sum(count for _, count in counts)
            rows.append([environment.value, name, str(loud), str(every), *missed])
    seconds = sum(each["seconds"] for each in recordings("noise/")) * len(LINES)
    return [
        Table(
            "Beginnings of turns: noise and single words",
            (
                "environment",
                "a turn takes",
                "turns in noise as recorded",
                "at all levels",
                "digits missed on a quiet line",
                *(f"missed at {ratio} dB" for ratio in RATIOS_DB),
            ),
            rows,
            (
                f"{seconds:.0f} s of recorded noise, half of it as 16 kHz, half as 8 kHz "
                "µ-law; the levels are "
                + ", ".join(f"{level:g}" for level in LEVELS)
                + " of the recording's. 64 ms: of voice; both: one frame of it must reach the "
                "environment's `peak_threshold` as well. The digits have a noise floor "
                "behind them, or two of the noises so many decibels below them.",
            ),
        )
    ]


def _noise(level: float) -> Iterator[Samples]:
    for rate, encoding in LINES:
        for each in recordings("noise/"):
            yield _sent(np.float32(level) * load(each["file"], rate), rate, encoding)


def _digits(ratio_db: int | None) -> Iterator[Samples]:
    for rate, encoding in LINES:
        for digit in recordings("fsdd-digits/"):
            speech = load(digit["file"], rate)
            audio = np.random.default_rng(len(speech)).normal(0, FLOOR, 3 * rate + len(speech))
            audio[rate : rate + len(speech)] += speech
            for noise in _behind(speech, len(audio), rate, ratio_db):
                yield _sent((audio + noise).astype(np.float32), rate, encoding)


def _behind(speech: Samples, length: int, rate: int, ratio_db: int | None) -> Sequence[Samples]:
    if ratio_db is None:
        return [np.zeros(length, np.float32)]
    noises = [np.resize(load(file, rate), length) for file in BEHIND]
    return [noise * _rms(speech) / _rms(noise) / 10 ** (ratio_db / 20) for noise in noises]


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def _sent(audio: Samples, rate: int, encoding: Encoding) -> Samples:
    intake = Intake()
    intake.configure(Config(sample_rate=rate, encoding=encoding.value))
    return intake.feed(encode(audio, encoding))


def _starts(silero: SileroModel, config: Config, audio: Samples) -> int:
    stage = Stage(semantic=False)
    stage.session = Session(silero.open(), semantic=False)
    stage.tell(config)
    stage.hear(audio)
    return len(stage.sent(SpeechStart))
