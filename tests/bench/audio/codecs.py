"""What encoding a reply and decoding an upload cost, and how soon a reply can be heard."""

import time
from io import BytesIO

import numpy as np

from shared.audio.decode import AudioFile, read
from shared.audio.encode import Format, encoder
from shared.audio.pcm import Samples
from shared.audio.resample import resample
from shared.audio.stretch import TimeStretch
from shared.errors import InvalidRequest
from tests.audio.sounds import KINDS, sound_file
from tests.audio.speech import RATE as SPEECH_RATE
from tests.audio.speech import speech
from tests.bench.report import Table

RATE = 24_000
PIECE = RATE // 5
_STEP = RATE // 1000
CORE_MS = "ms of a core for 1 s of sound"
TEXT = "The quick brown fox jumps over the lazy dog, and then it rests for a while in the sun."


def spoken(seconds: float) -> Samples:
    """Speech of espeak-ng, again and again, at 24 kHz."""
    once = resample(speech(TEXT), SPEECH_RATE, RATE)
    return np.resize(once, int(seconds * RATE))


def encoding(seconds: float) -> Table:
    """Each format of a reply."""
    sound = spoken(seconds)
    rows: list[list[str | float]] = []
    for wanted in Format:
        making = encoder(wanted, RATE)
        began = time.process_time()
        pieces = [making.feed(sound[at : at + PIECE]) for at in range(0, len(sound), PIECE)]
        size = sum(map(len, pieces)) + len(making.finish())
        cost = (time.process_time() - began) / seconds
        kbits = size * 8 / seconds / 1000
        rows.append([wanted.value, _heard_after_ms(wanted, sound), cost * 1000, kbits])
    return Table(
        "Encoding a reply as it is made",
        ["format", "sound before the first can be decoded, ms", CORE_MS, "kbit/s"],
        rows,
        ["Pieces of 200 ms. The need is the codec's: what it is fed it gives back at once."],
    )


def _heard_after_ms(wanted: Format, sound: Samples) -> float:
    """Milliseconds of sound after which a decoder finds the first sample."""
    if wanted is Format.PCM:
        return 1.0
    making = encoder(wanted, RATE)
    data = b""
    for at in range(0, len(sound), _STEP):
        data += making.feed(sound[at : at + _STEP])
        try:
            read(BytesIO(data), max_seconds=60, sample_rate=RATE)
        except InvalidRequest:
            continue
        return (at + _STEP) / RATE * 1000
    return float("nan")


def decoding(seconds: float) -> Table:
    """Each kind of upload."""
    sound = spoken(seconds)
    rows: list[list[str | float]] = []
    for kind in KINDS:
        data = BytesIO(sound_file(kind, sound, RATE))
        began = time.process_time()
        with AudioFile(data, max_seconds=2 * seconds) as audio:
            blocks = sum(1 for _ in audio.blocks())
        cost = time.process_time() - began
        rows.append([kind, blocks / cost, cost / blocks * 1000])
    return Table(
        "Decoding an upload to 16 kHz mono",
        ["file", "times faster than real time", CORE_MS],
        rows,
    )


def stretching(seconds: float) -> Table:
    """Tempo at the same pitch."""
    sound = spoken(seconds)
    rows: list[list[str | float]] = []
    for speed in (0.25, 0.5, 0.8, 1.25, 2.0, 4.0):
        stretch = TimeStretch(speed, RATE)
        began = time.process_time()
        held, made = [], 0
        for at in range(0, len(sound), PIECE // 10):
            piece = sound[at : at + PIECE // 10]
            made += len(stretch.feed(piece))
            held.append((at + len(piece) - made * speed) / RATE * 1000)
        cost = (time.process_time() - began) / seconds
        rows.append([f"{speed:g}", float(np.max(held)), cost * 1000])
    return Table(
        "Changing the tempo",
        ["speed", "sound held back at most, ms", CORE_MS],
        rows,
    )
