"""The running batch of T3: requests join and leave between its steps.

A step draws one token for every request whose prompt is in the cache, and takes a piece
of the prompts that are not, so that nobody waits for a newcomer's whole prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from services.tts.engines.chatterbox import prompt as prompts
from services.tts.engines.chatterbox.alignment import HEADS, TextAlignment
from services.tts.engines.chatterbox.attention import (
    PaddedAttention,
    RaggedAttention,
    Segment,
    Watch,
)
from services.tts.engines.chatterbox.backbone import backbone_of
from services.tts.engines.chatterbox.cache import PrefixStore, Slots
from services.tts.engines.chatterbox.choose import Chooser
from services.tts.engines.chatterbox.decoding import Decoding
from services.tts.engines.chatterbox.device import sent
from services.tts.engines.chatterbox.graph import CudaRecorder, SlotPass
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.prompt import Prompt
from services.tts.engines.chatterbox.variants import SamplingParams, VariantSpec


@dataclass(frozen=True, slots=True)
class Capacity:
    """Sizes of a running batch.

    Attributes:
        slots: rows; a request with guidance takes two.
        length: longest prompt and speech of a row, in tokens.
        prefill: prompt tokens taken beside a step of decoding.
        prefix_bytes: memory for the prefixes of voices.
        fixed: whether decoding runs over all slots in fixed shapes (as a CUDA graph on a
            GPU) instead of row by row.
    """

    slots: int
    length: int = 1600
    prefill: int = 64
    prefix_bytes: int = 1 << 30
    fixed: bool = False


class RunningBatch:
    """All decodings of one model on one device. Used by one thread."""

    def __init__(self, t3: Any, spec: VariantSpec, capacity: Capacity) -> None:
        weight = t3.speech_head.weight
        self._t3 = t3
        self._spec = spec
        self._capacity = capacity
        self._backbone = backbone_of(t3)
        self._slots = Slots(
            self._backbone.shape,
            slots=capacity.slots,
            length=capacity.length,
            dtype=weight.dtype,
            device=weight.device,
        )
        self._prefixes = PrefixStore(capacity.prefix_bytes)
        self._heads = HEADS if t3.hp.is_multilingual else ()
        self._chooser = Chooser(t3, spec.order, capacity.slots)
        self._fixed: SlotPass | None = None
        if capacity.fixed:
            record = CudaRecorder(weight.device) if weight.device.type == "cuda" else None
            self._fixed = SlotPass(self._backbone, self._slots, self._heads, record)

    @property
    def prefix_bytes(self) -> int:
        """Memory that the prefixes of voices take."""
        return self._prefixes.bytes

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return self._slots.free

    def room(self, prompt: Prompt) -> int:
        """Tokens of speech that a row can have after a prompt."""
        longest = min(self._capacity.length, self._backbone.longest)
        return min(longest - prompt.length, prompts.speech_positions(self._t3))

    @property
    def captured(self) -> int:
        """Shapes of the step that are graphs."""
        return 0 if self._fixed is None else self._fixed.captured

    def prepare(self) -> None:
        """Capture the step in every shape, before anybody joins."""
        if self._fixed is not None:
            self._fixed.prepare(self._t3.speech_emb.weight.shape[1])

    def insert(self, prompt: Prompt, params: SamplingParams, limits: Limits) -> Decoding | None:
        """Let a request join from the next step on; None while there is no slot for it.

        Raises:
            ValueError: the prompt and its longest speech do not fit into a slot.
        """
        if not 0 < limits.most <= self.room(prompt):
            raise ValueError(f"{prompt.length} + {limits.most} tokens do not fit into a slot")
        slots = self._slots.take(prompt.rows.shape[0])
        if slots is None:
            return None
        device = self._slots.keys.device
        start, end = prompt.text
        decoding = Decoding(
            prompt=prompt,
            params=params,
            limits=limits,
            slots=slots,
            generator=torch.Generator(device).manual_seed(params.seed),
            alignment=TextAlignment(end - start) if self._heads else None,
        )
        self._chooser.begin(slots[0])
        kept = self._prefixes.get(prompt.key)
        if kept is not None and kept.length == prompt.voice:
            for slot in slots:
                self._slots.restore(slot, kept)
            decoding.position = kept.length
        self._track(decoding)
        return decoding

    def remove(self, decoding: Decoding) -> None:
        """Let a request leave; its slots are free for the next :meth:`insert`."""
        self._slots.give(decoding.slots)
        if self._fixed is not None:
            self._fixed.leave(decoding.slots)
        decoding.slots = ()

    def forget(self, voice_id: str) -> None:
        """Drop what is kept of a voice."""
        self._prefixes.forget(voice_id)

    def step(self, decodings: Sequence[Decoding]) -> None:
        """Advance each by a token, or by a piece of its prompt.

        Nothing of any decoding changes when this raises.
        """
        speaking = [one for one in decodings if not one.missing and one.end is None]
        pieces = self._pieces([one for one in decodings if one.missing], bool(speaking))
        if not speaking and not pieces:
            return
        with torch.inference_mode():
            if self._fixed is None:
                self._together(speaking, pieces)
            else:
                self._apart(self._fixed, speaking, pieces)

    def _pieces(self, waiting: Sequence[Decoding], shared: bool) -> list[tuple[Decoding, int]]:
        """How much of whose prompt comes next: the first come first, within the budget."""
        alone = max(self._capacity.prefill, self._capacity.length)
        left = self._capacity.prefill if shared else alone
        pieces = []
        for one in waiting:
            count = min(one.missing, left // len(one.slots))
            if one.missing - count == 1:
                count -= 1  # the alignment checks want the two start marks in one piece
            if count <= 0:
                break
            pieces.append((one, count))
            left -= count * len(one.slots)
        return pieces

    def _together(
        self, speaking: Sequence[Decoding], pieces: Sequence[tuple[Decoding, int]]
    ) -> None:
        segments, embedded = self._speech_rows(speaking)
        for one, count in pieces:
            here = slice(one.position, one.position + count)
            for row, slot in enumerate(one.slots):
                segments.append(Segment(slot, one.position, count))
                embedded.append(one.prompt.rows[row, here])
        everyone = [*((one, 1) for one in speaking), *pieces]
        kind = RaggedAttention if self._fixed is None else PaddedAttention
        attend = kind(self._slots, segments, self._watch(everyone))
        device = self._slots.keys.device
        at = torch.cat([torch.arange(one.start, one.start + one.count) for one in segments])
        hidden = self._backbone(torch.cat(embedded), sent(at, device), attend)
        last = torch.tensor([one.count for one in segments]).cumsum(0) - 1
        self._conclude(everyone, hidden[sent(last, device)], attend.weights)

    def _apart(
        self,
        fixed: SlotPass,
        speaking: Sequence[Decoding],
        pieces: Sequence[tuple[Decoding, int]],
    ) -> None:
        """Decode in fixed shapes, then take the prompts."""
        if speaking:
            _, embedded = self._speech_rows(speaking)
            slots = [slot for one in speaking for slot in one.slots]
            rows, weights = fixed(slots, torch.cat(embedded))
            spans = [one.prompt.text for one in speaking for _ in one.slots]

            def look(index: int) -> torch.Tensor:
                first, last = spans[index]
                return weights[index : index + 1, first:last]

            self._conclude([(one, 1) for one in speaking], rows, look)
        if pieces:
            self._together([], pieces)

    def _speech_rows(
        self, speaking: Sequence[Decoding]
    ) -> tuple[list[Segment], list[torch.Tensor]]:
        segments = [Segment(slot, one.position, 1) for one in speaking for slot in one.slots]
        if not segments:
            return [], []
        said = [(one.tokens[-1], len(one.tokens)) for one in speaking for _ in one.slots]
        table = sent(said, self._slots.keys.device)
        return segments, [prompts.speech(self._t3, table[:, 0], table[:, 1])]

    def _watch(self, everyone: Sequence[tuple[Decoding, int]]) -> Watch | None:
        if not self._heads:
            return None
        spans: list[tuple[int, int] | None] = []
        for one, count in everyone:
            done = count >= one.missing
            spans.extend([one.prompt.text if done else None, *[None] * (len(one.slots) - 1)])
        rows = 1 if all(count == 1 for _, count in everyone) else 2
        return Watch(self._heads, tuple(spans), rows)

    def _conclude(
        self, everyone: Sequence[tuple[Decoding, int]], rows: torch.Tensor, look: Any
    ) -> None:
        """Draw for those whose prompt is complete, then note what happened."""
        drawing: list[tuple[Decoding, int]] = []
        index = 0
        for one, count in everyone:
            if count >= one.missing:
                drawing.append((one, index))
            index += len(one.slots)
        drawn = self._chooser(drawing, rows, look) if drawing else None
        for one, count in everyone:
            self._advance(one, count)
        if drawn is None:
            return
        self._chooser.note(drawn)
        for (one, _), token in zip(drawing, drawn.tokens, strict=True):
            one.take(token)

    def _advance(self, one: Decoding, count: int) -> None:
        before = one.position
        one.position += count
        if before < one.prompt.voice <= one.position:
            self._prefixes.put(one.prompt.key, self._slots.export(one.slots[0], one.prompt.voice))
        self._track(one)

    def _track(self, one: Decoding) -> None:
        if self._fixed is not None:
            self._fixed.place(one.slots, one.position)
