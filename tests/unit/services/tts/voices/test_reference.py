"""Which recordings will do as a voice."""

import io
import os
import wave
from pathlib import Path

import numpy as np
import pytest

from services.tts.engines.base import SAMPLE_RATE
from services.tts.voices.reference import checked, problems
from shared.audio.decode import read
from shared.errors import InvalidRequest

FOLDER = Path(os.environ.get("PARLEY_AUDIO", Path(__file__).parents[6] / "shared" / "audio"))
SPEECH = [
    "ljspeech/LJ001-0003.wav",
    "ljspeech/LJ001-0025.wav",
    "misc/jfk.flac",
    "mfa-tests/mfa_um.flac",
]
TIME = np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE
NOISE = np.random.default_rng(0).standard_normal(len(TIME)).astype(np.float32)
SOUNDS = {
    "a tone": 0.3 * np.sin(2 * np.pi * 200 * TIME),
    "noise": 0.1 * NOISE,
    "beeps": 0.3 * np.sin(2 * np.pi * 1000 * TIME) * (TIME % 1 < 0.5),
    "bursts": 0.2 * NOISE * (TIME % 0.4 < 0.2),
    "a chord": 0.1 * np.sin(2 * np.pi * np.outer((220, 277, 330), TIME)).sum(axis=0),
}


@pytest.mark.parametrize("name", SPEECH)
def test_people_are_taken(name: str) -> None:
    if not (FOLDER / name).exists():
        pytest.skip(f"no recording {name}: set PARLEY_AUDIO")
    assert checked((FOLDER / name).read_bytes()).seconds > 5


@pytest.mark.parametrize("name", [f"speechbrain-noise{n}.wav" for n in (1, 2, 3, 5)])
def test_noises_are_not(name: str) -> None:
    if not (FOLDER / "noise" / name).exists():
        pytest.skip(f"no recording {name}: set PARLEY_AUDIO")
    with (FOLDER / "noise" / name).open("rb") as file:
        samples = read(file, max_seconds=60, sample_rate=SAMPLE_RATE)[: 15 * SAMPLE_RATE]
    assert any("not speech" in problem for problem in problems(samples))


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds_that_nobody_made_are_not(name: str) -> None:
    [problem] = problems(SOUNDS[name].astype(np.float32))
    assert problem.startswith("not speech")


def test_silence_short_and_long_are_told() -> None:
    assert len(problems(np.zeros(SAMPLE_RATE, np.float32))) == 2
    assert "too long" in problems(np.zeros(30 * SAMPLE_RATE, np.float32))[0]
    assert problems(np.zeros(0, np.float32))


def test_an_hour_is_not_decoded_to_its_end() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(2 * 8000 * 3600))
    with pytest.raises(InvalidRequest, match="too long: over 60 s"):
        checked(file.getvalue())


def test_what_is_no_audio_is_told() -> None:
    with pytest.raises(InvalidRequest, match="reference_audio"):
        checked(b"RIFF but not really")


def test_the_shortest_and_the_longest_will_do_for_length() -> None:
    for seconds in (5, 20):
        assert [found[:6] for found in problems(np.zeros(seconds * SAMPLE_RATE, np.float32))] == [
            "silent"
        ]


def test_what_cannot_be_heard_is_silent() -> None:
    for decibel, silent in ((-44, False), (-46, True)):
        found = problems(np.asarray(NOISE * 10 ** (decibel / 20) / NOISE.std(), np.float32))
        assert any(each.startswith("silent") for each in found) is silent


def test_one_sample_of_a_hundred_at_full_scale_is_too_many() -> None:
    samples = np.asarray(0.1 * NOISE, np.float32)
    samples[::100] = 1.0
    assert any(found.startswith("clipped") for found in problems(samples))
