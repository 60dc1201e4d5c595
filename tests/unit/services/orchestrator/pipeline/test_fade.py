"""Fading out."""

import numpy as np

from services.orchestrator.pipeline.fade import fade_out


def test_it_begins_as_it_was_and_ends_silent() -> None:
    samples = np.frombuffer(fade_out(np.full(480, 10_000, "<i2").tobytes()), "<i2")
    assert samples[0] == 10_000
    assert samples[-1] == 0
    assert (np.diff(samples) <= 0).all()


def test_nothing_stays_nothing() -> None:
    assert fade_out(b"") == b""
