"""Chunks are joined where nobody hears it.

The measure: a joint that is heard is a click, a step from one sample to the next that is
steeper than the sound's own. So the steepest step within 2.5 ms of each place at which
the held part begins to go over into the new one, or has done so, is divided by the
steepest within 100 ms around it.
"""

from typing import Any

import numpy as np
import pytest
import torch

from services.tts.engines.chatterbox.hift import HOP
from services.tts.engines.chatterbox.variants import Variant
from services.tts.engines.chatterbox.vocode import FADE, SpeechStream, Vocoder
from services.tts.engines.chatterbox.watermark import Watermark
from tests.chatterbox import small
from tests.chatterbox.needs import MARKING

NEAR, FAR = 60, 2400
"""Samples on either side: 2.5 ms and 100 ms."""
Sound = np.ndarray[Any, np.dtype[np.float32]]


def steepest(sound: Sound) -> float:
    return float(np.abs(np.diff(sound)).max())


def loudness_of(joint: int, sound: Sound) -> float:
    near = steepest(sound[joint - NEAR : joint + NEAR])
    before, after = sound[joint - FAR : joint - NEAR], sound[joint + NEAR : joint + FAR]
    return near / max(steepest(before), steepest(after))


def streamed(vocoder: Vocoder, seed: int) -> tuple[Sound, list[int]]:
    """A stream's sound, and where each crossfade begins and ends."""
    random = torch.Generator().manual_seed(seed)
    stream = SpeechStream(vocoder.reference(small.reference(seed)), 12, seed)
    stream.tokens.extend(torch.randint(0, 6561, (150,), generator=random).tolist())
    stream.final = True
    parts: list[Sound] = []
    while stream.ready:
        parts.extend(part.numpy() for part in vocoder.render([stream]))
    starts = np.cumsum([len(part) for part in parts])[:-1].tolist()
    return np.concatenate(parts), [at for start in starts for at in (start, start + FADE * HOP)]


@pytest.mark.parametrize(
    "marked",
    [pytest.param(False, id="plain"), pytest.param(True, id="watermarked", marks=MARKING)],
)
def test_joints_are_no_louder_than_what_is_around_them(marked: bool) -> None:
    mark = Watermark(small.DEVICE) if marked else None
    vocoder = Vocoder(small.s3gen(Variant.TURBO), steps=2, watermark=mark)
    ratios = []
    for seed in (1, 2):
        sound, joints = streamed(vocoder, seed)
        ratios += [loudness_of(joint, sound) for joint in joints]
    assert len(ratios) > 20
    assert np.median(ratios) < 1.0
    assert max(ratios) < 1.5


def test_the_measure_hears_a_click() -> None:
    vocoder = Vocoder(small.s3gen(Variant.TURBO), steps=2, watermark=None)
    sound, joints = streamed(vocoder, 1)
    for joint in joints:
        clicked = sound.copy()
        clicked[joint:] += 5 * np.abs(sound).max()
        assert loudness_of(joint, clicked) > 1.5
