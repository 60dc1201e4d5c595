"""Music and noise are told from people, by their sound alone."""

import numpy as np
import pytest

from services.tts.engines.base import SAMPLE_RATE, Samples
from services.tts.voices.likeness import measured
from services.tts.voices.reference import LONGEST_S, SHORTEST_S, problems
from shared.audio.resample import resample
from tests.audio.music import MUSIC
from tests.audio.recordings import load, needs_recordings, recordings
from tests.audio.speech import RATE, speech

SENTENCES = {
    "en-us": "The quick brown fox jumps over the lazy dog, and nobody knows why it does so again.",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund, und niemand weiß, warum.",
    "cmn": "今天天气很好，我们一起去公园散步吧。然后我们去喝咖啡，再回家看书。",
}  # fmt: skip
TIME = np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE
NOISE = np.random.default_rng(0).standard_normal(len(TIME))
SILENT = {"ami-minutes/pyannote-sample.wav"}
"""Nobody speaks in its first six seconds."""


def noisy(samples: Samples, ratio_db: float) -> Samples:
    noise = np.random.default_rng(4).standard_normal(len(samples))
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-ratio_db / 20)
    return np.asarray(samples + level * noise, np.float32)


@pytest.mark.parametrize("name", MUSIC)
def test_music_is_told_to_be_music(name: str) -> None:
    samples = MUSIC[name]()
    assert measured(samples).music
    assert problems(samples) == ["not speech: it sounds like music or a steady tone"]


@pytest.mark.parametrize("name", ["chords", "arpeggio", "drums", "band", "organ", "guitar"])
def test_music_behind_hiss_is_music_still(name: str) -> None:
    assert problems(noisy(MUSIC[name](), 20))


def test_a_beat_is_heard_through_a_telephone() -> None:
    narrow = resample(resample(MUSIC["drums"](), SAMPLE_RATE, 8000), 8000, SAMPLE_RATE)
    assert measured(narrow).music


@pytest.mark.parametrize(
    "samples",
    [
        0.1 * NOISE,
        0.1 * NOISE * (1 + np.sin(2 * np.pi * 4 * TIME)),
        0.3 * np.sin(2 * np.pi * 100 * TIME),
        0.3 * np.sin(2 * np.pi * 120 * TIME) * (TIME % 0.5 < 0.3),
        0.3 * np.sin(2 * np.pi * 600 * TIME + 100 * np.sin(np.pi * TIME)),
    ],
    ids=["hiss", "syllables of hiss", "hum", "a buzzer", "a siren"],
)
def test_noises_are_no_speech(samples: np.ndarray) -> None:
    likeness = measured(samples.astype(np.float32))
    assert likeness.music or not likeness.speech


@pytest.mark.parametrize("pace", [120, 175, 250])
@pytest.mark.parametrize("language", SENTENCES)
def test_a_synthetic_voice_is_speech(language: str, pace: int) -> None:
    said = resample(speech(SENTENCES[language] * 2, language, pace), RATE, SAMPLE_RATE)
    likeness = measured(said[: 20 * SAMPLE_RATE])
    assert likeness.speech
    assert not likeness.music


@needs_recordings
@pytest.mark.parametrize("seconds", [SHORTEST_S, LONGEST_S])
def test_every_person_is_speech(seconds: float) -> None:
    refused = {}
    for entry in recordings(""):
        if entry["kind"] == "noise" or entry["seconds"] < SHORTEST_S:
            continue
        if seconds == SHORTEST_S and entry["file"] in SILENT:
            continue
        likeness = measured(load(entry["file"], SAMPLE_RATE)[: round(seconds * SAMPLE_RATE)])
        if likeness.music or not likeness.speech:
            refused[entry["file"]] = likeness
    assert refused == {}


@needs_recordings
@pytest.mark.parametrize("file", ["misc/jfk.flac", "ljspeech/LJ001-0003.wav"])
def test_a_person_on_the_telephone_or_in_noise_is_speech(file: str) -> None:
    samples = load(file, SAMPLE_RATE)
    telephone = resample(resample(samples, SAMPLE_RATE, 8000), 8000, SAMPLE_RATE)
    for heard in (telephone, noisy(samples, 20), noisy(samples, 10), 0.05 * samples):
        likeness = measured(np.asarray(heard, np.float32))
        assert likeness.speech
        assert not likeness.music
