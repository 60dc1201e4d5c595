"""Speech made by espeak-ng, for tests of listening."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache

import numpy as np

from services.tts.engines.espeak_library import EspeakLibrary
from shared.audio.pcm import Samples
from shared.audio.resample import resample

RATE = 16_000


@lru_cache(maxsize=64)
def speech(text: str, voice: str = "en-us", words_per_minute: int = 175) -> Samples:
    """The text as float32 mono at 16 kHz, half of full scale at its loudest."""
    samples, rate = _speaker().submit(_said, text, voice, words_per_minute).result()
    heard = resample(samples, rate, RATE)
    return np.asarray(heard * (0.5 / np.abs(heard).max()), np.float32)


@lru_cache(maxsize=1)
def _speaker() -> ProcessPoolExecutor:
    """A process of its own: the library is one per process, and tests of the engine end it."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


@lru_cache(maxsize=1)
def _library() -> EspeakLibrary:
    return EspeakLibrary()


def _said(text: str, voice: str, words_per_minute: int) -> tuple[Samples, int]:
    """Runs in the speaker's process."""
    library = _library()
    said = library.say(text, voice, words_per_minute, lambda: True)
    return said.samples, library.sample_rate
