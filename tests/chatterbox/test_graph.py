"""The decode step as a recording over fixed tensors says what it says done anew.

On CUDA the recordings are graphs. On a CPU a double stands in, which has what can go wrong
with them: recording computes nothing, a replay sees the fixed tensors only, and overwrites
what any other recording left behind.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.graph import Passed, SlotPass
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.variants import SPECS, Variant
from tests.chatterbox import small
from tests.chatterbox.test_decode import FREE, expected, prompt
from tests.chatterbox.test_model import SIZES, job, run, sound

VOICES = ((1, 9), (2, 17), (3, 6), (1, 14), (2, 8))
"""Of each request its voice, and the length of its text."""
CAPACITY = Capacity(slots=12, length=600, prefill=10, fixed=True)


class Recorder:
    """Recordings that share their memory, as graphs of one pool do."""

    def __init__(self) -> None:
        self._left: list[torch.Tensor] = []

    def __call__(self, work: Callable[[], Passed]) -> tuple[Callable[[], None], Passed]:
        hidden, weights = work()
        kept = [one for one in (hidden, weights) if one is not None]
        self._left += kept

        def replay() -> None:
            made = [one for one in work() if one is not None]
            for one in self._left:
                one.fill_(float("nan"))
            for one, new in zip(kept, made, strict=True):
                one.copy_(new)

        for one in self._left:
            one.fill_(float("nan"))
        return replay, (hidden, weights)


def recording(batch: RunningBatch, record: Any = None) -> SlotPass:
    """A batch's step, recorded: by CUDA where it runs there."""
    fixed = batch._fixed
    assert fixed is not None
    if record is not None or small.DEVICE.type != "cuda":
        fixed._record = record or Recorder()
    return fixed


def conversation(model: Any, batch: RunningBatch, variant: Variant) -> list[list[int]]:
    """Requests that join, sit out, end and leave, their slots taken over by others."""
    params = SPECS[variant].greedy()
    live, said = [], []
    for voice, length in VOICES:
        tokens = small.text(model, length, seed=length)
        joined = batch.insert(prompt(model, voice, tokens, params), params, FREE)
        assert joined is not None
        live.append(joined)
        said.append(joined)
        for step in range(11):
            batch.step([one for at, one in enumerate(live) if not one.end and (step + at) % 4])
        for one in [one for one in live if one.end]:
            batch.remove(one)
            live.remove(one)
    while live := [one for one in live if not one.end]:
        batch.step(live)
    return [one.tokens for one in said]


@pytest.fixture(params=list(Variant), ids=lambda variant: variant.value)
def variant(request: pytest.FixtureRequest) -> Variant:
    chosen: Variant = request.param
    return chosen


def alone(model: Any, variant: Variant) -> list[list[int]]:
    params = SPECS[variant].greedy()
    texts = [(voice, small.text(model, length, seed=length)) for voice, length in VOICES]
    return [expected(model, variant, voice, text, params) for voice, text in texts]


@pytest.mark.parametrize("ahead", [False, True], ids=["on demand", "ahead"])
def test_a_recorded_step_says_what_the_package_says(variant: Variant, ahead: bool) -> None:
    model = small.t3(variant)
    batch = RunningBatch(model, SPECS[variant], CAPACITY)
    fixed = recording(batch)
    if ahead:
        batch.prepare()
        assert batch.captured == 5 * 2  # 1, 2, 4, 8 and 12 rows; 512 and 600 positions
    assert conversation(model, batch, variant) == alone(model, variant)
    assert fixed._record is not None
    assert 1 < batch.captured <= 5 * 2


def test_a_step_that_cannot_be_recorded_is_done_anew_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def record(work: Any) -> Any:
        raise RuntimeError("operation not permitted when stream is capturing")

    model = small.t3(Variant.TURBO)
    batch = RunningBatch(model, SPECS[Variant.TURBO], CAPACITY)
    recording(batch, record)
    assert conversation(model, batch, Variant.TURBO) == alone(model, Variant.TURBO)
    assert batch.captured == 0
    assert [record.getMessage() for record in caplog.records] == ["the decode step is not captured"]


def test_a_memory_too_full_to_record_in_is_no_reason_to_give_it_up() -> None:
    def record(work: Any) -> Any:
        raise torch.OutOfMemoryError("no memory")

    batch = RunningBatch(small.t3(Variant.TURBO), SPECS[Variant.TURBO], CAPACITY)
    fixed = recording(batch, record)
    with pytest.raises(torch.OutOfMemoryError):
        batch.prepare()
    assert fixed._record is record


def test_a_warm_model_says_what_a_cold_one_says(variant: Variant) -> None:
    cold = ChatterboxModel(small.models(variant), SIZES, watermark=None)
    warm = ChatterboxModel(small.models(variant), replace(SIZES, voices=2), watermark=None)
    warm.warm_up()
    assert (warm.captured > 0) is (small.DEVICE.type == "cuda")
    assert warm.free == cold.free
    (one,), (two,) = (run(model, [job(variant, 1)]).values() for model in (cold, warm))
    torch.testing.assert_close(
        torch.from_numpy(sound(one)), torch.from_numpy(sound(two)), atol=1e-3, rtol=0
    )
