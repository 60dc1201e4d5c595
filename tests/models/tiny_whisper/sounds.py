"""What surrounds speech: noise, rooms, telephones, and sounds that are no speech at all."""

from __future__ import annotations

import numpy as np
import soxr

from shared.audio.g711 import MULAW_CODES, MULAW_LEVELS
from tests.models.tiny_whisper.speech import SAMPLE_RATE, Samples


def _shaped_noise(count: int, rng: np.random.Generator) -> Samples:
    """Noise whose spectrum falls with a random slope, sometimes with hum, of unit power."""
    noise = rng.standard_normal(count).astype(np.float32)
    spectrum = np.fft.rfft(noise)
    slope = rng.uniform(0.0, 1.2)
    spectrum *= np.maximum(np.arange(len(spectrum)), 20.0) ** -slope
    noise = np.fft.irfft(spectrum, count).astype(np.float32)
    noise /= np.sqrt(np.mean(noise**2)) + 1e-9
    if rng.random() < 0.15:
        hum = np.sin(2 * np.pi * rng.choice([50, 60, 100, 120]) * np.arange(count) / SAMPLE_RATE)
        noise = noise + hum.astype(np.float32) * rng.uniform(0.2, 1.0)
    return noise


def _music(count: int, rng: np.random.Generator) -> Samples:
    """Chords of three tones that decay from beat to beat."""
    beat = int(rng.uniform(0.15, 0.6) * SAMPLE_RATE)
    notes = [110 * 2 ** (rng.integers(0, 36, 3) / 12) for _ in range(count // beat + 1)]
    pitches = np.repeat(np.array(notes, np.float32), beat, axis=0)[:count]
    decay = np.exp(-3.0 * (np.arange(count) % beat) / beat)
    time = np.arange(count, dtype=np.float32)[:, None] / SAMPLE_RATE
    return np.asarray(np.sin(2 * np.pi * pitches * time).sum(1) * decay / 4, np.float32)


def _breaths(count: int, rng: np.random.Generator) -> Samples:
    """Noise that swells and fades a few times."""
    swell = np.zeros(count, np.float32)
    for _ in range(rng.integers(1, 4)):
        length = min(count, int(rng.uniform(0.1, 0.8) * SAMPLE_RATE))
        start = int(rng.integers(0, count - length + 1))
        swell[start : start + length] += np.hanning(length)
    return _shaped_noise(count, rng) * swell * 0.3


def _clicks(count: int, rng: np.random.Generator) -> Samples:
    clicks = np.zeros(count, np.float32)
    clicks[rng.integers(0, count, rng.integers(1, 12))] = rng.uniform(-1, 1)
    return clicks


def _silence(count: int, _: np.random.Generator) -> Samples:
    return np.zeros(count, np.float32)


_WORDLESS = (_silence, _silence, _music, _breaths, _clicks)


def telephone(samples: Samples) -> Samples:
    """8 kHz µ-law and back."""
    low = np.clip(soxr.resample(samples, SAMPLE_RATE, 8000, "MQ"), -1.0, 1.0)
    levels = MULAW_LEVELS[MULAW_CODES[(low * 32767).astype(np.int32) + 32768]]
    back = soxr.resample(levels.astype(np.float32) / 32768.0, 8000, SAMPLE_RATE, "MQ")
    return np.asarray(back, np.float32)


def in_a_room(samples: Samples, rng: np.random.Generator, *, speech: bool) -> Samples:
    level = float(np.sqrt(np.mean(samples**2))) or 0.02
    if rng.random() < 0.7:
        decibels = rng.uniform(8, 45) if speech else rng.uniform(0, 30)
        samples = samples + _shaped_noise(len(samples), rng) * level * 10 ** (-decibels / 20)
    peak = float(np.abs(samples).max())
    if peak > 0:
        samples = samples * (10 ** rng.uniform(-1.7, 0.0) / peak)
    if rng.random() < 0.25 and len(samples) > 800:
        samples = telephone(samples)
    return samples.astype(np.float32)


def wordless(seconds: float, rng: np.random.Generator) -> Samples:
    """Silence, music, breaths or clicks, mostly in noise."""
    sound = _WORDLESS[rng.integers(len(_WORDLESS))]
    return in_a_room(sound(int(seconds * SAMPLE_RATE), rng), rng, speech=False)
