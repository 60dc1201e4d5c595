"""Ends of turns: how often a pause is mistaken for one, and how late a real one is told.

``vap-phrases-synthetic`` has questions in a short and a long form ("So do you play
basketball?", "So do you play basketball on Thursdays?"). The long one is cut where the
short one ends (found by PocketSphinx's alignment) and a pause is put in: nothing but the
voice says whether more will come. Hesitations are recordings in which somebody searches
for words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pocketsphinx

from services.asr.engines.base import SAMPLE_RATE, Samples
from services.asr.engines.silero import SileroModel
from services.asr.engines.smart_turn import SmartTurn, find_model
from services.asr.pipeline.session import Session
from shared.audio.pcm import to_levels
from shared.protocol.asr import Config, TurnEnd, VadOverrides
from tests.bench.report import Table, spread
from tests.recordings import load, recordings
from tests.unit.services.asr.pipeline.stage import Stage

SILENCES_MS = (200, 300, 500, 800, 1200)
PAUSES_S = (0.3, 0.6, 1.0)
"""Pauses that are put into the phrases."""
FLOOR = 0.0015
HESITATIONS = ("mfa-tests/mfa_um.flac", "mfa-tests/mfa_er.flac", "azure/other/katiesteve_mono.wav")


class Hearer(Stage):
    """The real detector; the real turn model where one is given."""

    def __init__(self, silero: SileroModel, judge: SmartTurn | None, silence_ms: int) -> None:
        super().__init__()
        self.session = Session(silero.open(), semantic=judge is not None)
        self._judge = judge
        overrides = VadOverrides(silence_ms=silence_ms, semantic=judge is not None)
        self.tell(Config(vad=overrides))

    def judged(self, serial: int, samples: Samples) -> None:
        """Ask the real one."""
        assert self._judge is not None
        self.session.judged(serial, self._judge.probability(samples))

    def ends(self, audio: Samples) -> list[float]:
        """When turns were ended, in seconds."""
        noise = np.random.default_rng(0).normal(0, FLOOR, len(audio)).astype(np.float32)
        self.hear(audio + noise)
        return [ended.timestamp for ended in self.sent(TurnEnd)]


@dataclass(frozen=True, slots=True)
class Cut:
    """A long phrase and where its short form ends."""

    audio: Samples
    at: int

    def with_pause(self, seconds: float) -> Samples:
        """The phrase with a pause at the cut, and silence after it."""
        pause = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
        rest = np.zeros(2 * SAMPLE_RATE, np.float32)
        return np.concatenate([self.audio[: self.at], pause, self.audio[self.at :], rest])


def cut_offs() -> Table | None:
    """Both measures for silence alone and for the turn model; None without recordings."""
    phrases = recordings("vap-phrases-synthetic/")
    path = find_model()
    if not phrases or path is None:
        return None
    silero, judge = SileroModel(), SmartTurn(path)
    cuts = list(_cuts())
    rows = [
        _row(silero, model, silence_ms, phrases, cuts)
        for silence_ms in SILENCES_MS
        for model in (None, judge)
    ]
    judge.close()
    return Table(
        "Ends of turns: false cut-offs and delay",
        (
            "most silence ms",
            "decides",
            *(f"% cut off at a pause of {pause:g} s" for pause in PAUSES_S),
            "delay p50 ms",
            "p95",
            "turns in the hesitations",
        ),
        rows,
        (
            f"{len(cuts)} long phrases with a pause where the short form ends; delay over "
            f"{len(phrases)} whole phrases, from the recording's last sample to the decision "
            "in stream time (the recordings end with some silence of their own). The "
            f"hesitations are {len(HESITATIONS)} recordings in which one ideal listener would see "
            "few turns. The environment is `moderate`, its silence as given. A speaker that "
            "the model takes for unfinished is waited for up to the given silence.",
        ),
    )


def _row(
    silero: SileroModel,
    judge: SmartTurn | None,
    silence_ms: int,
    phrases: list[dict[str, Any]],
    cuts: list[Cut],
) -> list[str | float]:
    shares: list[float] = []
    for pause in PAUSES_S:
        early = 0
        for cut in cuts:
            goes_on = cut.at / SAMPLE_RATE + pause
            ends = Hearer(silero, judge, silence_ms).ends(cut.with_pause(pause))
            early += any(end < goes_on for end in ends)
        shares.append(100 * early / len(cuts))
    delays = []
    for phrase in phrases:
        audio = load(phrase["file"])
        whole = np.concatenate([audio, np.zeros(2 * SAMPLE_RATE, np.float32)])
        ends = Hearer(silero, judge, silence_ms).ends(whole)
        delays.append(ends[-1] - len(audio) / SAMPLE_RATE)
    turns = sum(len(Hearer(silero, judge, silence_ms).ends(load(file))) for file in HESITATIONS)
    decides = "silence" if judge is None else "Smart Turn"
    return [str(silence_ms), decides, *shares, *spread(delays)[:2], str(turns)]


def _cuts() -> Iterator[Cut]:
    phrases = recordings("vap-phrases-synthetic/")
    short = {_topic(each): each["text"] for each in phrases if "_short_" in each["file"]}
    for each in phrases:
        if "_long_" in each["file"] and _topic(each) in short:
            audio = load(each["file"])
            at = _end_of(audio, each["text"], len(_words(short[_topic(each)])))
            if at is not None:
                yield Cut(audio, at)


def _topic(phrase: dict[str, Any]) -> str:
    return str(re.split(r"_(?:short|long)_", phrase["file"])[0])


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _end_of(audio: Samples, text: str, count: int) -> int | None:
    """The sample at which the first ``count`` words end; None where they cannot be aligned."""
    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
    decoder.set_align_text(" ".join(_words(text)))
    decoder.start_utt()
    decoder.process_raw(to_levels(audio).tobytes(), full_utt=True)
    decoder.end_utt()
    spoken = [each for each in decoder.seg() or () if each.word[0] not in "<["]
    if len(spoken) != len(_words(text)):
        return None
    return int((spoken[count - 1].end_frame + 1) * SAMPLE_RATE / 100)
