"""Memory does not grow with requests, voices, cancelled ones."""

import gc
from collections import deque
from dataclasses import replace

import psutil
import pytest
import torch

from services.tts.engines.base import SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.sizes import Sizes
from services.tts.engines.chatterbox.text import Span
from services.tts.engines.chatterbox.utterance import Piece, Speech
from services.tts.engines.chatterbox.variants import SPECS, Variant, VariantSpec
from shared.scheduling.job import Job
from tests.chatterbox import small

REQUESTS, VOICES, WARM = 1000, 200, 200
AT_ONCE = 8
SPEC = SPECS[Variant.TURBO]


def brief(request: SpeechRequest, spec: VariantSpec) -> deque[Piece]:
    return deque([Piece(Span(request.text, 0), request.text, Limits(2, 2, loops=False))])


def resident() -> int:
    """Bytes held: of the process, and of the device where there is one."""
    gc.collect()
    device = torch.cuda.memory_allocated() if small.DEVICE.type == "cuda" else 0
    return int(psutil.Process().memory_info().rss + device)


@pytest.mark.timeout(240)
def test_memory_is_flat_over_a_thousand_requests() -> None:
    torch.manual_seed(0)
    speaker = ChatterboxModel(
        small.models(Variant.TURBO),
        Sizes(AT_ONCE, AT_ONCE, voices=16, prefill=64, length=200, prefix_bytes=1 << 18),
        watermark=None,
        plan=brief,
    )
    live: list[Job[Speech, SpeechChunk]] = []
    after_warming = begun = 0
    while begun < REQUESTS or live:
        while begun < REQUESTS and len(live) < AT_ONCE:
            request = SpeechRequest("Hi.", "", seed=begun)
            params = replace(SPEC.sampling, seed=begun)
            live.append(Job(Speech(request, small.voice(begun % VOICES, 6), params)))
            begun += 1
            if begun == WARM:
                after_warming = resident()
            if begun % 7 == 0:
                speaker.release(live.pop(0))
        for job, step in zip(list(live), speaker.step(live), strict=True):
            if step.done:
                speaker.release(job)
                live.remove(job)
    assert speaker.free == AT_ONCE
    assert speaker.voices == 16
    assert speaker.prefix_bytes <= 1 << 18
    assert resident() - after_warming < 30 << 20
