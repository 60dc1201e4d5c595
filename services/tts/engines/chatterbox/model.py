"""One step of everything that runs on a device, for the scheduler's runner.

A step draws one token for every request that decodes, takes a piece of the prompts that
joined, and makes the audio that is due: first chunks before later ones.
"""

import logging
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate

import torch

from services.tts.engines.base import SAMPLE_RATE, SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.decoding import Decoding
from services.tts.engines.chatterbox.device import check_range, on_device, sent
from services.tts.engines.chatterbox.flow import Reference
from services.tts.engines.chatterbox.listener import taking_part
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.prompt import Prompt, build
from services.tts.engines.chatterbox.sizes import Sizes
from services.tts.engines.chatterbox.utterance import Piece, Speech, Utterance, pieces
from services.tts.engines.chatterbox.variants import VariantSpec
from services.tts.engines.chatterbox.vocode import WINDOW, Vocoder
from services.tts.engines.chatterbox.voice import VoiceConditions, is_of
from services.tts.engines.chatterbox.watermark import Watermark
from shared.clock import Clock, SystemClock
from shared.errors import EngineFailed, ParleyError
from shared.recent import Recent
from shared.scheduling.job import Job, Step

log = logging.getLogger(__name__)

SpeechJob = Job[Speech, SpeechChunk]


class ChatterboxModel:
    """A :class:`shared.scheduling.model.BatchedModel` on one device.

    Args:
        models: loaded, on the device.
        sizes: how much of it to use.
        watermark: None only in tests of the sound itself.
        plan: cuts a request's text and bounds its speech; measurements bring their own.
        clock: by which listeners hear.
    """

    def __init__(
        self,
        models: Models,
        sizes: Sizes,
        *,
        watermark: Watermark | None,
        plan: Callable[[SpeechRequest, VariantSpec], deque[Piece]] = pieces,
        clock: Clock | None = None,
    ) -> None:
        self._models = models
        self._plan = plan
        self._clock = clock or SystemClock()
        self._sizes = sizes
        weight = models.t3.speech_head.weight
        self._device, self._dtype = weight.device, weight.dtype
        self._guided = models.spec.sampling.cfg_weight > 0
        self._batch = RunningBatch(
            models.t3,
            models.spec,
            Capacity(
                slots=sizes.requests * (2 if self._guided else 1),
                length=sizes.length,
                prefill=sizes.prefill,
                prefix_bytes=sizes.prefix_bytes,
                fixed=self._device.type == "cuda",
            ),
        )
        self._vocoder = Vocoder(models.s3gen, steps=models.spec.flow_steps, watermark=watermark)
        self._voices: Recent[str, Reference] = Recent(sizes.voices)
        self._unwanted: deque[str] = deque()
        self._put_off = False

    @property
    def slots(self) -> int:
        """Requests that may be under way at once."""
        return self._sizes.requests

    @property
    def voices(self) -> int:
        """Voices kept on the device."""
        return len(self._voices)

    @property
    def prefix_bytes(self) -> int:
        """Memory that the prompts of voices take."""
        return self._batch.prefix_bytes

    @property
    def free(self) -> int:
        """Key/value slots that nobody holds."""
        return self._batch.free

    @property
    def captured(self) -> int:
        """Shapes of the decode step that are graphs."""
        return self._batch.captured

    def warm_up(self) -> None:
        """Do once what a device does slowly for the first time, before anybody waits for it.

        Raises:
            OutOfMemory: the device is too small for its sizes.
        """
        with on_device(self._device):
            self._batch.prepare()
            self._vocoder.warm_up(self._sizes.vocode)

    def group(self, job: SpeechJob) -> Hashable:
        """All requests share their steps."""
        del job
        return self._models.spec.variant

    def limit(self, group: Hashable) -> int:
        """Every request under way takes part in a step."""
        del group
        return self._sizes.requests

    def step(self, jobs: Sequence[SpeechJob]) -> list[Step[SpeechChunk]]:
        """A token for each that does not yield to others, and the audio that is due.

        Raises:
            OutOfMemory: what was made before is kept; the same jobs may step again.
        """
        self._forget()
        with on_device(self._device):
            chosen = self._chosen(jobs)
            failed = self._admit(chosen)
            alive = [job for job in chosen if job not in failed]
            self._decode([job.state for job in alive])
            made = self._vocode(alive)
        idle = {job: Step[SpeechChunk](done=job.state.over) for job in alive}
        steps = {**idle, **{job: _failed(error) for job, error in failed.items()}, **made}
        return [steps.get(job) or Step() for job in jobs]

    def release(self, job: SpeechJob) -> None:
        """Free a request's slots."""
        state, job.state = job.state, None
        if isinstance(state, Utterance) and state.decoding is not None:
            self._batch.remove(state.decoding)
            state.decoding = None

    def degrade(self) -> str | None:
        """There is no smaller model of the same voices."""
        return None

    def forget(self, voice_id: str) -> None:
        """Drop what is kept of a voice, at the next step. Safe from any thread."""
        self._unwanted.append(voice_id)

    def _forget(self) -> None:
        while self._unwanted:
            voice_id = self._unwanted.popleft()
            for key in self._voices:
                if is_of(key, voice_id):
                    self._voices.drop(key)
            self._batch.forget(voice_id)

    def _chosen(self, jobs: Sequence[SpeechJob]) -> list[SpeechJob]:
        """Those that do not yield; all learn where they stand in the queue from now on."""
        now = self._clock.now()
        listeners = [job.request.listener for job in jobs]
        for job, listener in zip(jobs, listeners, strict=True):
            job.priority = listener.priority(now)
        parts = taking_part(listeners, now)
        return [job for job, part in zip(jobs, parts, strict=True) if part]

    def _admit(self, jobs: Sequence[SpeechJob]) -> dict[SpeechJob, ParleyError]:
        """Let new requests, and the next pieces of old ones, join the running batch."""
        failed: dict[SpeechJob, ParleyError] = {}
        for job in jobs:
            try:
                self._join(job)
            except ParleyError as error:
                failed[job] = error
            except (ValueError, IndexError) as error:
                failed[job] = EngineFailed(f"this text cannot be spoken: {error}")
        return failed

    def _join(self, job: SpeechJob) -> None:
        if job.state is None:
            speech, spec = job.request, self._models.spec
            plan = self._plan(speech.request, spec)
            job.state = Utterance(spec, self._reference(speech.voice), speech, plan)
        state: Utterance = job.state
        if state.waiting and state.decoding is None:
            decoding = self._insert(state.speech, state.waiting[0])
            if decoding is not None:
                state.begin(decoding)

    def _reference(self, voice: VoiceConditions) -> Reference:
        """What the vocoder knows of a voice, made where it was not spoken lately."""
        kept = self._voices.get(voice.key)
        if kept is None:
            kept = self._vocoder.reference(voice.reference)
            self._voices.put(voice.key, kept)
        return kept

    def _insert(self, speech: Speech, piece: Piece) -> Decoding | None:
        prompt = self._prompt(speech, piece.spoken)
        limits = piece.limits.up_to(min(piece.limits.most, self._batch.room(prompt)))
        return self._batch.insert(prompt, speech.params, limits)

    def _prompt(self, speech: Speech, spoken: str) -> Prompt:
        spec = self._models.spec
        emotion = speech.request.emotion if spec.emotional else 0.0
        language = speech.request.language or spec.languages[0]
        t3, tokens = self._models.t3, self._models.tokens(spoken, language)
        check_range(tokens, t3.text_emb.num_embeddings)
        if not t3.is_gpt and len(tokens) > t3.text_pos_emb.emb.num_embeddings:
            raise ValueError(f"it has {len(tokens)} tokens")
        check_range(speech.voice.prompt, t3.speech_emb.num_embeddings)
        with torch.inference_mode():
            return build(
                t3,
                speech.voice.for_t3(emotion, self._device, self._dtype),
                sent(tokens, self._device),
                key=(speech.voice.key, emotion),
                guided=speech.params.cfg_weight > 0,
            )

    def _decode(self, states: Sequence[Utterance]) -> None:
        self._batch.step([one.decoding for one in states if one.decoding is not None])
        for state in states:
            if (ended := state.gather()) is not None:
                self._batch.remove(ended)

    def _vocode(self, jobs: Sequence[SpeechJob]) -> dict[SpeechJob, Step[SpeechChunk]]:
        due = self._due(jobs)
        if not due:
            return {}
        try:
            made = self._vocoder.render([job.state.stream for job in due])
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, IndexError) as error:
            log.warning("a vocoder batch failed", extra={"jobs": len(due), "error": repr(error)})
            return self._one_by_one(due)
        return {job: self._given(job, samples) for job, samples in zip(due, made, strict=True)}

    def _due(self, jobs: Sequence[SpeechJob]) -> list[SpeechJob]:
        """Whose next chunk is made now: first ones alone, then who runs out soonest.

        Later chunks are put off for one step at most, so a row of newcomers stops nobody.
        """
        now = self._clock.now()
        ready = [job for job in jobs if job.state.stream is not None and job.state.stream.ready]
        first = [job for job in ready if job.request.listener.until is None]
        alone = bool(first) and not self._put_off
        self._put_off = alone and len(first) < len(ready)
        due = first if alone else ready
        due.sort(key=lambda job: (job.priority, job.request.listener.seconds(now)))
        seen = accumulate(job.state.stream.window for job in due)
        fitting = sum(tokens <= self._sizes.vocode * WINDOW for tokens in seen)
        return due[: min(max(1, fitting), self._sizes.vocode)]

    def _one_by_one(self, due: Sequence[SpeechJob]) -> dict[SpeechJob, Step[SpeechChunk]]:
        """Find the stream at which a batch failed, so that its neighbours go on."""
        steps: dict[SpeechJob, Step[SpeechChunk]] = {}
        for job in due:
            try:
                (samples,) = self._vocoder.render([job.state.stream])
            except torch.OutOfMemoryError:
                raise
            except (RuntimeError, IndexError) as error:
                steps[job] = _failed(EngineFailed(f"this voice cannot speak this text: {error}"))
            else:
                steps[job] = self._given(job, samples)
        return steps

    def _given(self, job: SpeechJob, samples: torch.Tensor) -> Step[SpeechChunk]:
        chunk = job.state.chunk(samples)
        job.request.listener.hear(len(chunk.samples) / SAMPLE_RATE, self._clock.now())
        return Step(outputs=(chunk,), done=job.state.over)


def _failed(error: ParleyError) -> Step[SpeechChunk]:
    return Step(error=error)
