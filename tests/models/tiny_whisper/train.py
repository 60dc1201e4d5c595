"""Trains the tiny Whisper on one CPU core: `python -m tests.models.tiny_whisper.train OUT`."""

from __future__ import annotations

import argparse
import logging
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tests.models.tiny_whisper import exported
from tests.models.tiny_whisper.curriculum import IGNORED, Batch, Curriculum, Shape
from tests.models.tiny_whisper.model import Outputs, TinyWhisper
from tests.models.tiny_whisper.vocabulary import Vocabulary

log = logging.getLogger(__name__)


WEIGHTS = {"text": 1.0, "ctc": 0.5, "pointing": 0.5, "tracing": 0.3}
"""Shares of the losses."""
TIMESTAMP = 0.3
"""Of a timestamp's loss: no window tells it to 20 ms, and words must not drown in that."""


@dataclass(frozen=True)
class Phase:
    name: str
    steps: int
    peak: float
    """The highest learning rate: reached after 200 steps or a tenth of all, then a cosine."""
    shapes: tuple[tuple[float, Shape], ...]
    """How often each shape is drawn."""
    shifted: float
    """Share of windows placed somewhere inside the 30 s, with positions and times to match."""
    head_only: bool = False
    """Train the CTC head alone: a new one's first gradients would undo a trained encoder."""

    def rate(self, step: int) -> float:
        warm = min(200, self.steps // 10)
        if step < warm:
            return self.peak * (step + 1) / warm
        done = (step - warm) / max(1, self.steps - warm)
        return self.peak * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))


SHORT = Phase(
    "short",
    3000,
    1.2e-3,
    ((0.93, Shape(4.0, 24, 3)), (0.05, Shape(8.0, 12, 5)), (0.02, Shape(30.0, 6, 12))),
    shifted=0.15,
)
LONG = Phase(
    "long",
    2600,
    1e-3,
    (
        (0.4, Shape(30.0, 6, 12)),
        (0.1, Shape(15.0, 8, 6)),
        (0.15, Shape(8.0, 12, 5)),
        (0.35, Shape(4.0, 24, 3)),
    ),
    shifted=0.1,
)
LAST = Phase(
    "last",
    3600,
    1e-3,
    (
        (0.35, Shape(30.0, 6, 12)),
        (0.25, Shape(15.0, 8, 6)),
        (0.2, Shape(8.0, 12, 5)),
        (0.2, Shape(4.0, 24, 3)),
    ),
    shifted=0.1,
)
HEAD = Phase("head", 150, 1e-2, ((1.0, Shape(4.0, 24, 3)),), shifted=0.15, head_only=True)
"""For a start from `model.bin`, which has no CTC head."""
PHASES = {phase.name: phase for phase in (SHORT, LONG, LAST, HEAD)}


def shares(vocabulary: Vocabulary) -> torch.Tensor:
    """How much each token of the decoder's text counts, [vocabulary]."""
    found = torch.ones(vocabulary.size)
    found[vocabulary.timestamp(0.0) :] = TIMESTAMP
    return found


def losses(
    outputs: Outputs, batch: Batch, blank: int, tokens: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Cross-entropy of the decoder, CTC of the encoder, and pointing of the aligned heads."""
    text = nn.functional.cross_entropy(
        outputs.logits.flatten(0, 1), batch.labels.flatten(), tokens, ignore_index=IGNORED
    )
    lengths = torch.tensor([len(target) for target in batch.targets])
    targets = torch.tensor([each for target in batch.targets for each in target])
    frames = torch.full((len(lengths),), outputs.frames.shape[0])
    ctc = nn.functional.ctc_loss(
        outputs.frames, targets, frames, lengths, blank, reduction="sum", zero_infinity=True
    )
    return {
        "text": text,
        "ctc": ctc / max(1, len(targets)),
        "pointing": _looking(outputs.pointing, batch.pointed),
        "tracing": _looking(outputs.tracing[:, 1:], batch.pointed[:, :-1]),
    }


def _looking(attention: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """How little of the attention falls where it is wanted: mean of -log of its share."""
    mass = (attention * wanted).sum(-1)[wanted.sum(-1) > 0]
    return -(mass + 1e-4).log().sum() / max(1, len(mass))


class Training:
    """One model, its curriculum and the folder of its checkpoints."""

    def __init__(
        self, model: TinyWhisper, curriculum: Curriculum, vocabulary: Vocabulary, out: Path
    ) -> None:
        self._model = model
        self._curriculum = curriculum
        self._blank = len(vocabulary.words)
        self._shares = shares(vocabulary)
        self._out = out
        self._parameters = [each for each in model.parameters() if each.requires_grad]

    def run(self, phase: Phase) -> None:
        """A checkpoint every 100 steps, `OUT/<phase>.pt`: a run cut short is still of use."""
        began = time.monotonic()
        for step, found in enumerate(self._steps(phase), 1):
            if step % 25 == 0:
                shown = " ".join(f"{name} {value.item():.3f}" for name, value in found.items())
                spent = (time.monotonic() - began) / step
                log.info("%s %d: %s (%.2f s a step)", phase.name, step, shown, spent)
            if step % 100 == 0 or step == phase.steps:
                self._save(self._out / f"{phase.name}.pt")

    def _steps(self, phase: Phase) -> Iterator[dict[str, torch.Tensor]]:
        trained = list(self._model.ctc.parameters()) if phase.head_only else self._parameters
        optimiser = torch.optim.AdamW(trained, betas=(0.9, 0.98), weight_decay=0.01)
        shares, shapes = zip(*phase.shapes, strict=True)
        for step in range(phase.steps):
            for group in optimiser.param_groups:
                group["lr"] = phase.rate(step)
            batch = self._curriculum.batch(random.choices(shapes, shares)[0], phase.shifted)
            with torch.autocast("cpu", torch.bfloat16):
                outputs = self._model(batch.features, batch.offsets, batch.tokens)
            found = losses(outputs, batch, self._blank, self._shares)
            total = sum(weight * found[name] for name, weight in WEIGHTS.items())
            self._model.zero_grad(set_to_none=True)
            total.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            yield found

    def _save(self, path: Path) -> None:
        partial = path.with_suffix(".partial")
        torch.save(self._model.state_dict(), partial)
        partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, help="a checkpoint or model.bin to go on from")
    parser.add_argument("--phases", nargs="+", default=["short", "long", "last"], choices=PHASES)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    vocabulary = Vocabulary()
    model = TinyWhisper(vocabulary)
    if arguments.start and arguments.start.suffix == ".bin":
        exported.load(model, arguments.start)
    elif arguments.start:
        model.load_state_dict(torch.load(arguments.start))
    log.info("%d parameters", sum(each.numel() for each in model.parameters()))
    curriculum = Curriculum(vocabulary, arguments.seed)
    training = Training(model, curriculum, vocabulary, arguments.out)
    for name in arguments.phases:
        training.run(PHASES[name])


if __name__ == "__main__":
    main()
