"""Whisper's batches: against one window at a time, and against faster-whisper itself."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel as FasterWhisper

from services.asr.engines.base import Transcript
from services.asr.engines.whisper.load import Device, load
from services.asr.engines.whisper.model import WhisperModel
from services.asr.engines.whisper.window import Window
from shared.clock import SystemClock
from shared.scheduling.job import Job
from tests.audio.speech import speech
from tests.bench.report import Table
from tests.models.tiny_whisper.evaluate import WEIGHTS, errors

CLOCK = SystemClock()
SIZES = (1, 2, 4, 8, 16, 32)
SENTENCES = (
    "I would like to book a flight to London on Monday morning",
    "hello my name is Laura Miller and my flight number is seven two nine",
    "what's the weather like in Paris",
    "yes please",
    "wait I want to say something about the flight to Berlin",
    "no thank you",
    "okay good morning",
    "my flight number is five four three two one",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model on a device."""

    name: str
    path: Path
    device: Device


def tiny() -> Candidate:
    """The checked-in model, on one core, so that what else runs here disturbs least."""
    return Candidate("tiny_whisper", WEIGHTS, Device("cpu", 0, "int8", 1))


def windows(count: int, *, beam: int = 1) -> list[Window]:
    """Turns of different lengths and voices, as the finals of many speakers are."""
    voices = ("en-us", "en-us+f3", "en-us+m3", "en-us+f2")
    made: list[Window] = []
    for index in range(count):
        samples = speech(SENTENCES[index % len(SENTENCES)], voices[index // 8 % len(voices)])
        padded = np.pad(samples, (3_200, 4_800)).astype(np.float32)
        made.append(Window(padded, "en", beam=beam, words=True))
    return made


def batched(model: WhisperModel, requests: Sequence[Window]) -> list[Transcript]:
    """All in one step."""
    return [step.outputs[0] for step in model.step([Job(window) for window in requests])]


def one_by_one(model: WhisperModel, requests: Sequence[Window]) -> list[Transcript]:
    """A step each."""
    return [batched(model, [window])[0] for window in requests]


def in_a_loop(faster: FasterWhisper, requests: Sequence[Window]) -> list[str]:
    """faster-whisper's own ``transcribe``, one after the other, with the same options."""
    texts: list[str] = []
    for window in requests:
        segments, _ = faster.transcribe(
            window.samples,
            language="en",
            beam_size=window.beam,
            temperature=0.0,
            word_timestamps=True,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        texts.append(" ".join(segment.text.strip() for segment in segments))
    return texts


def throughput(candidate: Candidate) -> Table:
    """Windows a second for every size of batch, all three ways in turn."""
    device = candidate.device
    model = WhisperModel(load(candidate.path, candidate.name, device), max_batch=max(SIZES))
    faster = FasterWhisper(
        str(candidate.path),
        device=device.kind,
        device_index=device.index,
        compute_type=device.compute_type,
        cpu_threads=device.threads,
    )
    rows: list[list[str | float]] = []
    for size in SIZES:
        requests = windows(size)
        first = batched(model, requests)
        alone = one_by_one(model, requests)
        equal = sum(a.text == b.text for a, b in zip(first, alone, strict=True))
        repeats = max(1, 16 // size)
        seconds = interleaved(
            (
                partial(batched, model, requests),
                partial(one_by_one, model, requests),
                partial(in_a_loop, faster, requests),
            ),
            repeats,
        )
        together, single, loop = (size / each for each in seconds)
        rows.append(
            [
                str(size),
                together,
                single,
                loop,
                together / single,
                together / loop,
                f"{equal} of {size}",
            ]
        )
    return Table(
        f"Batches of {candidate.name}, {device.kind} {device.compute_type}",
        (
            "windows",
            "in one step, windows/s",
            "one at a time",
            "faster-whisper's transcribe",
            "× one at a time",
            "× faster-whisper",
            "equal texts",
        ),
        rows,
        (
            f"Turns of 1 to 5 s by espeak-ng, each a 30 s window, greedy, with word times; "
            f"{_threads(device)}; the three ways take turns in the same run and the median of "
            f"each is shown. faster-whisper is asked for the same: one language, no previous "
            f"text, temperature 0. Equal texts compares a batch with its windows alone.",
        ),
    )


def interleaved(ways: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The median time of each way, taken in turn so that the machine's moods hit all alike."""
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats + 1):
        for index, way in enumerate(ways):
            gc.collect()
            began = CLOCK.now()
            way()
            taken[index].append(CLOCK.now() - began)
    return [float(np.median(times[1:])) for times in taken]


def short_windows(candidate: Candidate) -> Table:
    """What encoding fewer frames saves, and what it does to the text."""
    device = candidate.device
    model = WhisperModel(load(candidate.path, candidate.name, device), max_batch=max(SIZES))
    chosen = [(n, each) for n, each in enumerate(windows(24)) if each.seconds <= 3.0]
    said = [SENTENCES[n % len(SENTENCES)] for n, _ in chosen]
    whole = [each for _, each in chosen]
    rows: list[list[str | float]] = []
    full_texts = [found.text for found in batched(model, whole)]
    full = interleaved((partial(one_by_one, model, whole),), 3)[0] / len(whole)
    rows.append(["3000 (30 s)", full * 1000, 1.0, "-", _wrong(said, full_texts)])
    for seconds in (15.0, 8.0, 5.0, 4.0):
        frames = int(seconds * 100)
        short = [_with_frames(window, frames) for window in whole]
        texts = [found.text for found in batched(model, short)]
        equal = sum(a == b for a, b in zip(texts, full_texts, strict=True))
        time = interleaved((partial(one_by_one, model, short),), 3)[0] / len(whole)
        rows.append(
            [
                f"{frames} ({seconds:g} s)",
                time * 1000,
                full / time,
                f"{equal} of {len(whole)}",
                _wrong(said, texts),
            ]
        )
    return Table(
        f"Encoding fewer frames: {candidate.name}",
        ("frames encoded", "ms a window", "× faster", "same text as 30 s", "words wrong"),
        rows,
        (
            f"Turns of up to 3 s, one at a time, {device.kind} {device.compute_type}, "
            f"{_threads(device)}. Whether the text survives depends on the weights: this model "
            "was trained on windows of 4 s and of 30 s. OpenAI's checkpoints were trained on "
            "30 s alone, so `ASR_SHORT_WINDOWS` is empty unless it is set.",
        ),
    )


def _with_frames(window: Window, frames: int) -> Window:
    return Window(window.samples, window.language, beam=window.beam, words=True, frames=frames)


def _wrong(said: Sequence[str], heard: Sequence[str]) -> str:
    pairs = zip(said, heard, strict=True)
    wrong = sum(errors(one.split(), other.split()) for one, other in pairs)
    return f"{wrong} of {sum(len(text.split()) for text in said)}"


def _threads(device: Device) -> str:
    return f"{device.threads} threads" if device.kind == "cpu" else "one GPU"
