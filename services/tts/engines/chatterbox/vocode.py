"""Speech tokens of running requests to audio, chunk by chunk.

A chunk's mels are made from some tokens heard before (context), the new ones, and three
to come (look-ahead). Its samples are made from mels heard before and the new ones; the
last :data:`HELD` frames lack what comes after them, so they are not given out: the next
chunk makes them again, and over :data:`FADE` frames the old goes over into the new.
Every frame is given out once, whatever the chunks, so the length is that of audio made
at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from services.tts.engines.chatterbox import flow as flows
from services.tts.engines.chatterbox import hift as hifts
from services.tts.engines.chatterbox.device import sent
from services.tts.engines.chatterbox.flow import FRAMES_PER_TOKEN, LOOK_AHEAD, FlowRow, Reference
from services.tts.engines.chatterbox.hift import HOP, Rendered, SourceRow
from services.tts.engines.chatterbox.noise import NoiseStrip
from services.tts.engines.chatterbox.watermark import Watermark

CONTEXT = 50
"""Tokens heard before that the flow sees again."""
LEFT = 16
"""Mel frames heard before that the vocoder sees again: more than its convolutions reach."""
HELD = 6
"""Mel frames at a chunk's end that wait for the next chunk."""
FADE = 2
"""Mel frames over which a chunk goes over into the next."""
FIRST = 6
"""Tokens of sound in a stream's first chunk."""
WHOLE = 500
"""Tokens of sound in a chunk that nobody waits for: near all of a piece of text."""
WINDOW = 400
"""Tokens that the flow sees of a stream, by which a batch is bounded: prompt, context and a
chunk of 2 s are 356. Whole pieces of text are longer, so fewer of them share a batch."""
_USUAL_PROMPT = 250
"""Tokens of a voice's recording, 10 s: the most that is heard of one."""
EXTRA = LOOK_AHEAD + HELD // FRAMES_PER_TOKEN
"""Tokens that must be known beyond the sound of a chunk."""


@dataclass(slots=True, eq=False)
class SpeechStream:
    """One utterance on its way from tokens to samples.

    Attributes:
        chunk_tokens: of sound in a chunk.
        whole: whether nobody waits for the first chunk, which then is as long as others.
        tokens: speech tokens so far, marks dropped.
        final: whether no more will come.
        emitted: mel frames given out.
        chunks: chunks given out.
    """

    reference: Reference
    chunk_tokens: int
    seed: int
    whole: bool = False
    tokens: list[int] = field(default_factory=list)
    final: bool = False
    emitted: int = 0
    chunks: int = 0
    _mels: torch.Tensor | None = None
    _source: torch.Tensor | None = None
    _held: torch.Tensor | None = None
    _phase: float = 0.0

    @property
    def wanted(self) -> int:
        """Tokens of sound in the next chunk: a first small one, each next twice as long."""
        if self.whole:
            return self.chunk_tokens
        return min(self.chunk_tokens, FIRST << min(self.chunks, 8))

    @property
    def ready(self) -> bool:
        """Whether the next chunk can be made."""
        if self.done:
            return False
        known = len(self.tokens) - self.emitted // FRAMES_PER_TOKEN
        return self.final or known >= self.wanted + EXTRA

    @property
    def done(self) -> bool:
        """Whether all was given out."""
        return self.final and self.emitted >= FRAMES_PER_TOKEN * len(self.tokens)

    @property
    def first_token(self) -> int:
        """Where the flow's window begins."""
        return max(0, self.emitted // FRAMES_PER_TOKEN - CONTEXT)

    @property
    def last_token(self) -> int:
        """Where the flow's window ends."""
        spoken = self.emitted // FRAMES_PER_TOKEN
        if self.final and len(self.tokens) - spoken <= 2 * self.chunk_tokens:
            return len(self.tokens)
        return min(len(self.tokens), spoken + self.wanted + EXTRA)

    @property
    def window(self) -> int:
        """Tokens that the flow sees for the next chunk, the voice's among them."""
        return int(self.reference.tokens.shape[0]) + self.last_token - self.first_token

    @property
    def closing(self) -> bool:
        """Whether the next chunk is the last."""
        return self.final and self.last_token == len(self.tokens)

    def source_row(self, made: torch.Tensor, noise: NoiseStrip, harmonics: int) -> SourceRow:
        """What the vocoder needs, from the flow's frames [80, frames] of the window."""
        fresh = made[:, self.emitted - FRAMES_PER_TOKEN * self.first_token :]
        old = fresh[:, :0] if self._mels is None else self._mels
        place = noise.place(self.seed)
        return SourceRow(
            mels=torch.cat((old, fresh), dim=1),
            cached=fresh.new_zeros(0) if self._source is None else self._source,
            phase=self._phase,
            phases=noise.phases(place, harmonics),
            noise=noise.source(place, self.emitted * HOP, fresh.shape[1] * HOP, harmonics),
        )

    def kept(self, row: SourceRow) -> int:
        """Mel frames of what the vocoder was given that are done with after it."""
        return int(row.mels.shape[1]) - (0 if self.closing else HELD)

    def accept(
        self, row: SourceRow, rendered: Rendered, phase: float, marked: torch.Tensor
    ) -> torch.Tensor:
        """Take the vocoder's result; the samples [n] that can be given out.

        Args:
            row: what the vocoder was given.
            rendered: what it made.
            phase: cycles of the fundamental after the frames that are done with.
            marked: its samples, with the watermark, on the CPU.
        """
        known = row.cached.shape[0] // HOP
        kept = self.kept(row)
        samples = marked[known * HOP : kept * HOP].clone()
        if self._held is not None:
            samples[: FADE * HOP] = _crossfade(self._held, samples[: FADE * HOP])
        left = max(0, kept - LEFT)
        self._mels = row.mels[:, left:kept].clone()
        self._source = rendered.source[left * HOP : kept * HOP].clone()
        self._held = marked[kept * HOP :][: FADE * HOP].clone()
        self._phase = phase % 1
        self.emitted += kept - known
        self.chunks += 1
        return samples


def _crossfade(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Raised cosine from ``old`` to ``new``, as far as both go."""
    length = min(old.shape[0], new.shape[0])
    steps = (torch.arange(length, device=new.device) + 0.5) / length
    rising = (1 - torch.cos(steps * torch.pi)) / 2
    mixed = old[:length] * (1 - rising) + new[:length] * rising
    return torch.cat((mixed, new[length:]))


class Vocoder:
    """S3Gen for many streams. Used by one thread.

    Args:
        s3gen: the package's model.
        steps: of the flow's solver.
        watermark: put on all that is made; None only in tests of the sound itself.
    """

    def __init__(self, s3gen: Any, *, steps: int, watermark: Watermark | None) -> None:
        self._flow = s3gen.flow
        self._hift = s3gen.mel2wav
        self._meanflow = bool(s3gen.meanflow)
        self._steps = steps
        self._watermark = watermark
        self._fade_in = s3gen.trim_fade.cpu()
        self._noise = NoiseStrip(s3gen.trim_fade.device)
        self._harmonics = int(self._hift.nb_harmonics) + 1
        hifts.prepare(self._hift)

    def reference(self, conditions: dict[str, Any]) -> Reference:
        """Prepare a voice."""
        with torch.inference_mode():
            return Reference.of(self._flow, conditions)

    def warm_up(self, most: int) -> None:
        """Make a first and a later chunk of nothing in particular, one stream's and ``most``'s."""
        weight = self._flow.spk_embed_affine_layer.weight
        length = _USUAL_PROMPT
        with torch.inference_mode():
            reference = Reference(
                torch.zeros(length, dtype=torch.long, device=weight.device),
                weight.new_zeros(length * FRAMES_PER_TOKEN, weight.shape[0]),
                weight.new_zeros(weight.shape[0]),
            )
        for count in (1, most):
            streams = [SpeechStream(reference, 2 * FIRST, seed) for seed in range(count)]
            for stream in streams:
                stream.tokens.extend([0] * (3 * FIRST + EXTRA))
            while all(stream.ready for stream in streams):
                self.render(streams)

    def render(self, streams: Sequence[SpeechStream]) -> list[torch.Tensor]:
        """The next chunk of each, float32 [samples] on the CPU.

        Nothing of any stream changes when this raises.
        """
        with torch.inference_mode():
            made = flows.mels(
                self._flow,
                [self._flow_row(stream) for stream in streams],
                steps=self._steps,
                meanflow=self._meanflow,
            )
            rows = [
                stream.source_row(frames, self._noise, self._harmonics)
                for stream, frames in zip(streams, made, strict=True)
            ]
            rendered = hifts.render(self._hift, rows)
            pairs = zip(streams, rows, rendered, strict=True)
            ends = torch.stack([made.cycles[stream.kept(row)] for stream, row, made in pairs])
            marked = self._marked([result.samples for result in rendered])
            return [
                self._finished(*parts)
                for parts in zip(streams, rows, rendered, ends.tolist(), marked, strict=True)
            ]

    def _marked(self, sounds: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Samples of each with the mark, read from the device all at once."""
        marked = sounds if self._watermark is None else self._watermark(sounds)
        together = torch.cat(list(marked)).cpu()
        return list(together.split([sound.shape[0] for sound in marked]))

    def _flow_row(self, stream: SpeechStream) -> FlowRow:
        tokens = stream.tokens[stream.first_token : stream.last_token]
        prompt = int(stream.reference.mels.shape[0])
        place = self._noise.place(stream.seed)
        start = FRAMES_PER_TOKEN * stream.first_token
        count = FRAMES_PER_TOKEN * len(tokens)
        noise = torch.cat(
            (self._noise.mels(place, -prompt, prompt), self._noise.mels(place, start, count)),
            dim=1,
        )
        device = stream.reference.tokens.device
        said = sent(tokens, device, torch.long)
        return FlowRow(stream.reference, said, noise, stream.closing)

    def _finished(
        self,
        stream: SpeechStream,
        row: SourceRow,
        rendered: Rendered,
        phase: float,
        marked: torch.Tensor,
    ) -> torch.Tensor:
        first = stream.chunks == 0
        samples = stream.accept(row, rendered, phase, marked)
        if first:  # the reference rings on for a moment; the package fades it out too
            length = min(samples.shape[0], self._fade_in.shape[0])
            samples[:length] *= self._fade_in[:length]
        return samples
