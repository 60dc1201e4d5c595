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
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.sizes import sizes_of
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


class Speaking:
    """Our engine, one for all measurements, as a service has it: warm, its voices known.

    Args:
        models: turbo.
        requests: the most that are spoken at once.
        clock: of what is measured.
    """

    def __init__(self, models: Models, *, requests: int, clock: Clock) -> None:
        device = models.t3.speech_head.weight.device
        self._clock = clock
        self._limits = Limits()
        self._speaker = ChatterboxModel(
            models,
            replace(sizes_of(device, requests), voices=_VOICES),
            watermark=Watermark(device),
            plan=self._plan,
        )
        self._again = device.type == "cuda"
        if self._again:
            self._speaker.warm_up()
        for index in range(min(requests, _VOICES)):
            self._hear(_job(index, 50))

    def together(self, *, requests: int, seconds: float, chunk: int) -> Spoken:
        """Some requests that begin together; on a GPU the second time that they do.

        Args:
            requests: their number.
            seconds: of sound, of each.
            chunk: tokens; 0: not streamed.
        """
        count = round(seconds * _TOKENS_PER_SECOND) - _SILENCE
        self._limits = Limits(least=count, most=count, loops=False)
        if self._again:  # the first time libraries choose their kernels for these shapes
            self._spoken(requests, chunk)
        return self._spoken(requests, chunk)

    def _spoken(self, requests: int, chunk: int) -> Spoken:
        clock = self._clock
        jobs = [_job(index, chunk) for index in range(requests)]
        arrived: dict[Job[Speech, SpeechChunk], list[tuple[float, float]]] = {}
        with _timed(clock) as shares:
            began = clock()
            live = list(jobs)
            while live:
                for job, step in zip(list(live), self._speaker.step(live), strict=True):
                    now = clock() - began
                    assert step.error is None, step.error
                    chunks = arrived.setdefault(job, [])
                    chunks += [(now, len(out.samples) / SAMPLE_RATE) for out in step.outputs]
                    if step.done:
                        self._speaker.release(job)
                        live.remove(job)
            took = clock() - began
        return Spoken(
            seconds=sum(length for chunks in arrived.values() for _, length in chunks),
            took=took,
            first=tuple(chunks[0][0] for chunks in arrived.values()),
            underruns=sum(_underruns(chunks) for chunks in arrived.values()),
            shares={name: spent / took for name, spent in shares.items()},
        )

    def _hear(self, job: Job[Speech, SpeechChunk]) -> None:
        """Let a voice's prompt be known."""
        while job.state is None or job.state.decoding.missing:
            self._speaker.step([job])
        self._speaker.release(job)

    def _plan(self, request: SpeechRequest, spec: VariantSpec) -> deque[Piece]:
        """Every text is spoken for so long: random weights know no end of it."""
        return deque(Piece(one.span, one.spoken, self._limits) for one in pieces(request, spec))


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


def _job(index: int, chunk: int) -> Job[Speech, SpeechChunk]:
    request = SpeechRequest(
        "A text of some words.", "", chunk_size=chunk or 50, seed=index, whole=not chunk
    )
    return Job(Speech(request, voice(index % _VOICES), replace(SPEC.sampling, seed=index)))


def _underruns(chunks: list[tuple[float, float]]) -> int:
    """Times that a client had nothing to play."""
    count, plays_until = 0, chunks[0][0]
    for arrived, length in chunks:
        count += arrived > plays_until + 1e-9
        plays_until = max(plays_until, arrived) + length
    return count


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
