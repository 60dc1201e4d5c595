"""Whisper on one device: windows of many connections in one step.

A step encodes its windows together, detects the languages that nobody named, generates
once and aligns once. Nothing of one window reaches another: each result is the one that
the window gives alone. A window whose text looks broken stays for another step at the
next temperature; its neighbours leave.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import ctranslate2
import numpy as np

from services.asr.engines.base import Transcript
from services.asr.engines.whisper import guards
from services.asr.engines.whisper.align import Alignment, Text, align
from services.asr.engines.whisper.decode import Decoding, generate, storage
from services.asr.engines.whisper.features import LogMel
from services.asr.engines.whisper.language import detect
from services.asr.engines.whisper.segments import segments
from services.asr.engines.whisper.tokens import Vocabulary
from services.asr.engines.whisper.window import HOP, Hypothesis, Progress, Window
from shared.errors import OutOfMemory
from shared.scheduling.job import Job, Step

WhisperJob = Job[Window, Transcript]


@dataclass(frozen=True, slots=True)
class Weights:
    """A Whisper loaded on one device, with what belongs to it."""

    name: str
    model: ctranslate2.models.Whisper
    vocabulary: Vocabulary
    features: LogMel


@dataclass(frozen=True, slots=True)
class _Shape:
    """What windows must have in common to be decoded together."""

    frames: int
    prompt: int
    timestamps: bool
    decoding: Decoding


class WhisperModel:
    """A batched model for the runner; every method is called on its lane's thread."""

    slots = None

    def __init__(
        self,
        weights: Weights,
        *,
        max_batch: int = 16,
        smaller: Callable[[], Weights | None] = lambda: None,
        thresholds: guards.Thresholds | None = None,
    ) -> None:
        """Take over loaded weights.

        Args:
            weights: what to begin with.
            max_batch: windows in one step.
            smaller: loads the next model of the ladder, None at its end.
            thresholds: when a decoding counts as broken.
        """
        self.weights = weights
        self._max_batch = max_batch
        self._smaller = smaller
        self._limits = thresholds or guards.Thresholds()

    def group(self, job: WhisperJob) -> Hashable:
        """Windows of equal frames, prompt length and search may share a step.

        Language and task may differ: they are tokens of each window's own prompt.
        """
        return self._shape(job)

    def limit(self, group: Hashable) -> int:
        """The setting, for all groups."""
        del group
        return self._max_batch

    def step(self, jobs: Sequence[WhisperJob]) -> Sequence[Step[Transcript]]:
        """Decode each window once; those with a good text are done.

        Raises:
            OutOfMemory: as CTranslate2 tells it; nothing was changed.
        """
        try:
            return self._step(jobs)
        except RuntimeError as error:
            if "out of memory" in str(error).lower():
                raise OutOfMemory(f"{len(jobs)} windows do not fit into memory") from error
            raise

    def release(self, job: WhisperJob) -> None:
        """Forget the features and tries."""
        job.state = None

    def degrade(self) -> str | None:
        """Change to the next smaller model of the ladder.

        The one before leaves the device first: where one window did not fit beside it, no
        second model does.
        """
        self.weights.model.unload_model(to_cpu=True)
        smaller = self._smaller()
        if smaller is None:
            self.weights.model.load_model()
            return None
        self.weights = smaller
        return smaller.name

    def _shape(self, job: WhisperJob) -> _Shape:
        window = job.request
        progress = job.state
        temperature = progress.temperature(window) if progress else window.temperatures[0]
        return _Shape(
            frames=window.frames,
            prompt=len(window.prompt),
            timestamps=window.timestamps,
            decoding=Decoding(window.beam, temperature, window.max_tokens),
        )

    def _step(self, jobs: Sequence[WhisperJob]) -> list[Step[Transcript]]:
        shape = self._shape(jobs[0])
        states = [self._progress(job) for job in jobs]
        encoded = self.weights.model.encode(storage([state.features for state in states]))
        self._name_languages(encoded, states)
        prompts = [
            self.weights.vocabulary.prompt(
                state.language, job.request.task, job.request.prompt, timestamps=shape.timestamps
            )
            for job, state in zip(jobs, states, strict=True)
        ]
        found = generate(
            self.weights.model, self.weights.vocabulary, encoded, prompts, shape.decoding
        )
        accepted = [
            self._accept(job.request, state, hypothesis)
            for job, state, hypothesis in zip(jobs, states, found, strict=True)
        ]
        aligned = self._align(jobs, states, accepted, encoded)
        steps: list[Step[Transcript]] = []
        for row, (job, state) in enumerate(zip(jobs, states, strict=True)):
            steps.append(self._conclude(job, state, found[row], accepted[row], aligned.get(row)))
        return steps

    def _progress(self, job: WhisperJob) -> Progress:
        """What is known of the job; features are made anew for a model with other mels."""
        window = job.request
        state: Progress | None = job.state
        if state is None:
            known = window.language if self.weights.vocabulary.multilingual else "en"
            state = Progress(self.weights.features(window.samples, window.frames), known)
        elif state.features.shape[0] != self.weights.features.mels:
            state = replace(state, features=self.weights.features(window.samples, window.frames))
        return state

    def _name_languages(self, encoded: ctranslate2.StorageView, states: Sequence[Progress]) -> None:
        if all(state.language for state in states):
            return
        for state, found in zip(states, detect(self.weights.model, encoded), strict=True):
            if state.language is None:
                state.language, state.language_probability = found.language, found.probability

    def _accept(self, window: Window, state: Progress, found: Hypothesis) -> Hypothesis | None:
        """The decoding to answer with; None when another temperature shall be tried."""
        if not guards.is_broken(found, self._limits):
            return found
        tried = [*state.tried, found]
        if len(tried) < len(window.temperatures):
            return None
        return self._cut(guards.best(tried, self._limits))

    def _cut(self, found: Hypothesis) -> Hypothesis:
        tokens = guards.without_loops(found.tokens, self._limits.loops)
        if tokens == found.tokens:
            return found
        text = self.weights.vocabulary.text(tokens)
        ratio = guards.compression_ratio(text)
        return replace(found, tokens=tokens, text=text, compression_ratio=ratio, looped=True)

    def _align(
        self,
        jobs: Sequence[WhisperJob],
        states: Sequence[Progress],
        accepted: Sequence[Hypothesis | None],
        encoded: ctranslate2.StorageView,
    ) -> dict[int, Alignment]:
        texts = [
            Text(
                row=row,
                tokens=tuple(filter(self.weights.vocabulary.is_text, found.tokens)),
                frames=min(len(job.request.samples) // HOP, job.request.frames),
                language=states[row].language,
                task=job.request.task,
                samples=job.request.samples,
            )
            for row, (job, found) in enumerate(zip(jobs, accepted, strict=True))
            if found is not None and (job.request.words or job.request.logprobs)
        ]
        aligned = align(self.weights.model, self.weights.vocabulary, encoded, texts)
        return {text.row: words for text, words in zip(texts, aligned, strict=True)}

    def _conclude(
        self,
        job: WhisperJob,
        state: Progress,
        found: Hypothesis,
        accepted: Hypothesis | None,
        aligned: Alignment | None,
    ) -> Step[Transcript]:
        job.state = state
        if accepted is None:
            state.tried.append(found)
            return Step()
        return Step(
            (self._transcript(job.request, state, accepted, aligned or Alignment()),), done=True
        )

    def _transcript(
        self, window: Window, state: Progress, found: Hypothesis, aligned: Alignment
    ) -> Transcript:
        if guards.is_silence(found, self._limits):
            return Transcript("", language=state.language, suppressed="no_speech")
        words = aligned.words if window.words else ()
        vocabulary = self.weights.vocabulary
        pieces = [vocabulary.piece(token) for token in found.tokens if vocabulary.is_text(token)]
        return Transcript(
            text=found.text,
            words=words,
            language=state.language,
            confidence=(
                float(np.mean([word.confidence for word in words]))
                if words
                else float(np.exp(min(found.avg_logprob, 0.0)))
            ),
            segments=segments(found, vocabulary, words, window.seconds),
            token_logprobs=(
                tuple(zip(pieces, aligned.logprobs, strict=True)) if window.logprobs else ()
            ),
            suppressed="loop" if found.looped else "",
        )
