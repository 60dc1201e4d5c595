"""From text to sound: first chunk, real-time factor, underruns, and where the time goes."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from services.tts.engines.base import SAMPLE_RATE, SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox import flow, hift
from services.tts.engines.chatterbox.decode import RunningBatch
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.model import ChatterboxModel, Sizes
from services.tts.engines.chatterbox.utterance import Piece, Speech, pieces
from services.tts.engines.chatterbox.variants import VariantSpec
from services.tts.engines.chatterbox.watermark import Watermark
from shared.scheduling.job import Job
from tests.bench.chatterbox.weights import SPEC, voice

_TOKENS_PER_SECOND = 25
_SILENCE = 3
_VOICES = 4


@dataclass(frozen=True, slots=True)
class Spoken:
    """Some requests that began together.

    Attributes:
        seconds: of sound in all.
        took: seconds until the last sample of the last.
        first: seconds until each one's first chunk.
        underruns: of clients that play in real time from their first chunk on.
        shares: part of the time in each stage.
    """

    seconds: float
    took: float
    first: tuple[float, ...]
    underruns: int
    shares: dict[str, float]

    @property
    def factor(self) -> float:
        """Time to make a second of sound."""
        return self.took / self.seconds


Clock = Callable[[], float]


def together(models: Models, *, requests: int, seconds: float, chunk: int, clock: Clock) -> Spoken:
    """Our engine: all at once, streamed. Voices were spoken before, as in a service."""
    device = models.t3.speech_head.weight.device
    speaker = ChatterboxModel(
        models,
        Sizes(requests=requests, vocode=requests),
        watermark=Watermark(device),
        plan=_lasting(seconds),
    )
    _hear(speaker, requests)
    jobs = [_job(index, chunk) for index in range(requests)]
    arrived: dict[Job[Speech, SpeechChunk], list[tuple[float, float]]] = {job: [] for job in jobs}
    with _timed(clock) as shares:
        began = clock()
        live = list(jobs)
        while live:
            for job, step in zip(list(live), speaker.step(live), strict=True):
                now = clock() - began
                assert step.error is None, step.error
                arrived[job] += [(now, len(out.samples) / SAMPLE_RATE) for out in step.outputs]
                if step.done:
                    speaker.release(job)
                    live.remove(job)
        took = clock() - began
    return Spoken(
        seconds=sum(length for chunks in arrived.values() for _, length in chunks),
        took=took,
        first=tuple(chunks[0][0] for chunks in arrived.values()),
        underruns=sum(_underruns(chunks) for chunks in arrived.values()),
        shares={name: spent / took for name, spent in shares.items()},
    )


def package(models: Models, *, seconds: float, clock: Clock) -> Spoken:
    """The package's own way for one request: all tokens, all mels, all sound, the mark."""
    import perth

    weight = models.t3.speech_head.weight
    mark = perth.PerthImplicitWatermarker(device=weight.device)
    conditions = voice(0)
    text = models.tokens("text", "en").to(weight.device)
    count = round(seconds * _TOKENS_PER_SECOND) - _SILENCE
    began = clock()
    said = models.t3.inference_turbo(
        conditions.for_t3(0.0, weight.device, weight.dtype), text[None], max_gen_len=count - 1
    )
    spoken = torch.cat((said[0].clamp(max=6560), said.new_full((_SILENCE,), 4299)))
    wave, _ = models.s3gen.inference(spoken, ref_dict=conditions.reference, n_cfm_timesteps=2)
    with torch.inference_mode():
        marked = mark.apply_watermark(wave[0].cpu().numpy(), sample_rate=SAMPLE_RATE)
    took = clock() - began
    return Spoken(len(marked) / SAMPLE_RATE, took, (took,), 0, {})


def _hear(speaker: ChatterboxModel, requests: int) -> None:
    """Let the voices' prompts be known."""
    for index in range(min(requests, _VOICES)):
        job = _job(index, 50)
        while job.state is None or job.state.decoding.missing:
            speaker.step([job])
        speaker.release(job)


def _job(index: int, chunk: int) -> Job[Speech, SpeechChunk]:
    request = SpeechRequest("A text of some words.", "", chunk_size=chunk, seed=index)
    return Job(Speech(request, voice(index % _VOICES), replace(SPEC.sampling, seed=index)))


def _underruns(chunks: list[tuple[float, float]]) -> int:
    """Times that a client had nothing to play."""
    count, plays_until = 0, chunks[0][0]
    for arrived, length in chunks:
        count += arrived > plays_until + 1e-9
        plays_until = max(plays_until, arrived) + length
    return count


def _lasting(seconds: float) -> Callable[[SpeechRequest, VariantSpec], deque[Piece]]:
    """Every text is spoken for so long: random weights know no end of it."""
    count = round(seconds * _TOKENS_PER_SECOND) - _SILENCE
    limits = Limits(least=count, most=count, loops=False)

    def plan(request: SpeechRequest, spec: VariantSpec) -> deque[Piece]:
        return deque(Piece(one.span, one.spoken, limits) for one in pieces(request, spec))

    return plan


@contextmanager
def _timed(clock: Clock) -> Iterator[dict[str, float]]:
    """Seconds spent in each stage, measured around its one function."""
    spent = dict.fromkeys(("T3", "S3Gen flow", "HiFT vocoder", "watermark"), 0.0)

    def around(name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*args: Any, **options: Any) -> Any:
            _settle()
            began = clock()
            result = whole(*args, **options)
            _settle()
            spent[name] += clock() - began
            return result

        return measured

    places: list[tuple[Any, str, str]] = [
        (RunningBatch, "step", "T3"),
        (flow, "mels", "S3Gen flow"),
        (hift, "render", "HiFT vocoder"),
        (Watermark, "__call__", "watermark"),
    ]
    kept = [(owner, attribute, getattr(owner, attribute)) for owner, attribute, _ in places]
    for (owner, attribute, name), (_, _, whole) in zip(places, kept, strict=True):
        setattr(owner, attribute, around(name, whole))
    try:
        yield spent
    finally:
        for owner, attribute, whole in kept:
            setattr(owner, attribute, whole)


def _settle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
