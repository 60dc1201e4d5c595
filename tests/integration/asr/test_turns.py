"""Turns in real speech: the real detector and turn model, stream time, no engine's time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from services.asr.engines.base import FRAME, SAMPLE_RATE, Samples
from services.asr.engines.silero import SileroModel
from services.asr.engines.smart_turn import SmartTurn, find_model
from services.asr.pipeline.intake import Intake
from services.asr.pipeline.session import Session
from shared.audio.pcm import Encoding, encode
from shared.protocol.asr import Config, Environment, Final, SpeechStart, TurnEnd
from tests.audio.recordings import load, needs_recordings, recordings
from tests.unit.services.asr.pipeline.stage import Stage

DIGITS = recordings("fsdd-digits/")
PHRASES = recordings("vap-phrases-synthetic/")
FLOOR = 0.0015
"""Noise floor of a quiet line, about -56 dB."""
LINES = {"16 kHz": (16_000, Encoding.S16LE), "phone": (8_000, Encoding.MULAW)}


@pytest.fixture(scope="module")
def silero() -> SileroModel:
    return SileroModel()


@pytest.fixture(scope="module")
def smart_turn() -> Iterator[SmartTurn]:
    path = find_model()
    if path is None:
        pytest.skip("no turn model: install pipecat-ai")
    model = SmartTurn(path)
    yield model
    model.close()


class RealStage(Stage):
    """Hears with the real detector; the real turn model judges where there is one."""

    def __init__(self, silero: SileroModel, judge: SmartTurn | None, verdict: float = 0.0) -> None:
        super().__init__(verdict=verdict)
        self.session = Session(silero.open())
        self._judge = judge

    def judged(self, serial: int, samples: Samples) -> None:
        """Ask the real one."""
        probability = self._judge.probability(samples) if self._judge else self.verdict
        self.session.judged(serial, probability)


def on_line(recording: dict[str, Any], line: str) -> tuple[Samples, float]:
    """A recording in the middle of a live line's noise, decoded; and where it ends."""
    rate, encoding = LINES[line]
    speech = load(recording["file"], rate)
    noise = np.random.default_rng(len(speech)).normal(0, FLOOR, rate * 3 + len(speech))
    audio = noise.astype(np.float32)
    audio[rate : rate + len(speech)] += speech
    intake = Intake()
    intake.configure(Config(sample_rate=rate, encoding=encoding.value))
    return intake.feed(encode(audio, encoding)), 1 + len(speech) / rate


@needs_recordings
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("digit", DIGITS, ids=lambda digit: digit["file"][12:-4])
def test_a_digit_is_one_turn_and_is_over_in_half_a_second(
    silero: SileroModel, digit: dict[str, Any], line: str
) -> None:
    audio, end = on_line(digit, line)
    stage = RealStage(silero, None, verdict=0.0)  # the model always says: incomplete

    stage.hear(audio)

    (ended,) = stage.sent(TurnEnd)
    (final,) = stage.sent(Final)
    assert ended.timestamp <= end + 0.5
    assert final.start <= 1.3
    assert stage.fed, "the engine heard it"


@needs_recordings
@pytest.mark.parametrize("environment", list(Environment))
def test_digits_are_heard_in_every_environment(
    silero: SileroModel, environment: Environment
) -> None:
    missed = []
    for digit in DIGITS[::4]:
        stage = RealStage(silero, None)
        stage.tell(Config(environment=environment))
        stage.hear(on_line(digit, "phone")[0])
        if len(stage.sent(Final)) != 1:
            missed.append(digit["file"])

    assert missed == []


@needs_recordings
def test_a_word_that_begins_the_stream_is_in_the_audio_of_the_turn_behind_it(
    silero: SileroModel,
) -> None:
    """On a line without noise, cut close, with a pause behind it that ends no turn."""
    lost = []
    for number, digit in enumerate(DIGITS):
        word, phrase = load(digit["file"]), load(PHRASES[number % len(PHRASES)]["file"])
        begins = int(np.argmax(np.abs(word) > 0.02))
        pause = np.zeros(4_800, np.float32)
        stage = RealStage(silero, None)
        stage.hear(np.concatenate([word[begins:], pause, phrase]))
        if not np.array_equal(stage.fed[0][0][: 2 * FRAME], word[begins:][: 2 * FRAME]):
            lost.append(digit["file"])

    assert lost == []


@needs_recordings
def test_a_phrase_without_a_pause_is_one_turn(silero: SileroModel, smart_turn: SmartTurn) -> None:
    cut = []
    for phrase in PHRASES[::3]:
        stage = RealStage(silero, smart_turn)
        audio, end = on_line(phrase, "16 kHz")
        stage.hear(audio)
        (ended, *more) = stage.sent(TurnEnd)
        if more or ended.timestamp < end - 0.4:
            cut.append(phrase["file"])
        assert ended.timestamp <= end + 1.1

    assert len(cut) <= 1, f"cut in the middle: {cut}"


@pytest.mark.parametrize("level", [0.0, 0.001, 0.03, 0.2])
def test_silence_and_noise_are_no_speech(silero: SileroModel, level: float) -> None:
    noise = np.random.default_rng(5).normal(0, level, 20 * SAMPLE_RATE).astype(np.float32)
    stage = RealStage(silero, None)

    stage.hear(noise)

    assert stage.messages() == []


def test_tones_and_hum_are_no_speech(silero: SileroModel) -> None:
    time = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * hertz * time) / n for n, hertz in enumerate((50, 100, 150), 1))
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (261.6, 329.6, 392.0))
    for sound in (hum, chord * (np.sin(2 * np.pi * 0.5 * time) > 0)):
        stage = RealStage(silero, None)
        stage.hear((0.1 * np.asarray(sound)).astype(np.float32))
        assert stage.sent(SpeechStart) == []


@needs_recordings
@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize(("line", "most"), [("16 kHz", 0), ("phone", 1)])
def test_recorded_noise_starts_no_turns(
    silero: SileroModel, line: str, most: int, environment: Environment
) -> None:
    rate, encoding = LINES[line]
    seconds, starts = 0.0, 0
    for noise in recordings("noise/"):
        intake = Intake()
        intake.configure(Config(sample_rate=rate, encoding=encoding.value))
        stage = RealStage(silero, None)
        stage.tell(Config(environment=environment))
        stage.hear(intake.feed(encode(load(noise["file"], rate), encoding)))
        starts += len(stage.sent(SpeechStart))
        seconds += noise["seconds"]

    assert seconds > 60
    assert starts <= most
