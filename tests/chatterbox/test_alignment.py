"""The rules on text position decide as the package's analyzer does."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from chatterbox.models.t3.inference.alignment_stream_analyzer import AlignmentStreamAnalyzer

from services.tts.engines.chatterbox.alignment import TextAlignment, Verdict

STOP = 9
VOCABULARY = 12


def verdict_of(logits: torch.Tensor) -> Verdict:
    """What the package's change of the logits means."""
    if (logits[0, :STOP] == -(2**15)).all():
        return Verdict.STOP
    return Verdict.GO_ON if logits[0, STOP] == -(2**15) else Verdict.FREE


def analyzer(length: int) -> Any:
    module = SimpleNamespace(register_forward_hook=lambda _: None)
    layers = [SimpleNamespace(self_attn=module)] * 14
    return AlignmentStreamAnalyzer(SimpleNamespace(layers=layers), None, (0, length), eos_idx=STOP)


def walk(length: int, frames: int, kind: str) -> list[torch.Tensor]:
    """Attention over a text: two rows first, then one a frame."""
    rows = []
    for frame in range(frames):
        weights = torch.rand(2 if frame == 0 else 1, length) * 0.05
        peak = min(length - 1, frame // 2)
        if kind == "repeats" and frame > 2 * length + 4:
            peak = (frame // 2) % (length - 5)
        if kind == "jumps" and frame % 7 == 3:
            peak = (peak + 9) % length
        weights[-1, peak] = 0.9
        rows.append(weights)
    return rows


@pytest.mark.parametrize("kind", ["ends", "repeats", "jumps"])
@pytest.mark.parametrize("length", [6, 15])
def test_every_frame_is_judged_as_by_the_package(kind: str, length: int) -> None:
    torch.manual_seed(length)
    theirs, ours = analyzer(length), TextAlignment(length)
    said = [8, *torch.randint(0, 8, (59,)).tolist()]
    said[30] = said[31] = said[29]
    judged: list[Verdict] = []
    for weights, last in zip(walk(length, 60, kind), said, strict=True):
        aligned = torch.cat((torch.zeros(length, length), weights)) if not judged else weights
        theirs.last_aligned_attns = [aligned] * 3
        expected = verdict_of(theirs.step(torch.zeros(1, VOCABULARY), next_token=last))
        judged.append(ours.step(weights, last))
        assert judged[-1] is expected
        assert ours.position == int(theirs.text_position)
    assert set(judged) == {Verdict.GO_ON, Verdict.STOP, Verdict.FREE}


def test_a_text_shorter_than_the_rules_look_back_is_judged_too() -> None:
    ours = TextAlignment(3)
    verdicts = [ours.step(torch.full((1, 3), 0.3), frame) for frame in range(4)]
    assert verdicts == [Verdict.FREE] * 4
