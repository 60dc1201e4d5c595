"""Damaged and made-up files: samples or a typed error, whatever the bytes are."""

from functools import lru_cache
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.audio.decode import read
from shared.errors import InvalidRequest, TooLarge
from tests.audio.sounds import KINDS, sound_file, tone

MOST_S = 30.0
STEADY = settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)


@lru_cache
def whole(kind: str) -> bytes:
    return sound_file(kind, tone(24_000, 0.5))


def decode_or_refuse(data: bytes) -> None:
    """Samples within bounds, or one of the two errors that a file can be."""
    try:
        samples = read(BytesIO(data), max_seconds=MOST_S, sample_rate=16_000)
    except (InvalidRequest, TooLarge):
        return
    assert samples.dtype == np.float32
    assert 0 < len(samples) <= MOST_S * 16_000
    assert np.abs(samples).max() <= 1.0
    assert np.isfinite(samples).all()


@pytest.mark.parametrize("kind", KINDS)
@STEADY
@given(data=st.data())
def test_changed_bytes(kind: str, data: st.DataObject) -> None:
    file = bytearray(whole(kind))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at] = data.draw(st.integers(0, 255))
    decode_or_refuse(bytes(file))


@pytest.mark.parametrize("kind", KINDS)
@STEADY
@given(data=st.data())
def test_missing_and_repeated_parts(kind: str, data: st.DataObject) -> None:
    file = whole(kind)
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(file))] * 2)))
    decode_or_refuse(file[:begin] + file[end:])
    decode_or_refuse(file[:end] + file[begin:])


@STEADY
@given(
    head=st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\x1aE\xdf\xa3"]),
    rest=st.binary(max_size=600),
)
def test_made_up_bytes(head: bytes, rest: bytes) -> None:
    decode_or_refuse(head + rest)
