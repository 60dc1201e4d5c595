"""One `generate` for windows that know nothing of each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ctranslate2
import numpy as np

from services.asr.engines.whisper.guards import compression_ratio
from services.asr.engines.whisper.tokens import Vocabulary
from services.asr.engines.whisper.window import Features, Hypothesis

BEST_OF = 5
"""Samples drawn at a temperature above 0; the likeliest is kept."""
INITIAL_TIMESTAMP = 50
"""The first timestamp is at most this many 20 ms steps in."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """What all windows of one `generate` share."""

    beam: int
    temperature: float
    max_tokens: int


def storage(features: Sequence[Features]) -> ctranslate2.StorageView:
    """The features of a batch as CTranslate2 takes them."""
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(features)))


def rows(encoded: ctranslate2.StorageView, chosen: Sequence[int]) -> ctranslate2.StorageView:
    """Some rows of a batch; by way of host memory when not all are chosen."""
    if list(chosen) == list(range(encoded.shape[0])):
        return encoded
    on_host = encoded if encoded.device == "cpu" else encoded.to_device(ctranslate2.Device.cpu)
    return ctranslate2.StorageView.from_array(
        np.ascontiguousarray(np.asarray(on_host)[list(chosen)])
    )


def generate(
    model: ctranslate2.models.Whisper,
    vocabulary: Vocabulary,
    encoded: ctranslate2.StorageView,
    prompts: Sequence[list[int]],
    how: Decoding,
) -> list[Hypothesis]:
    """Decode a batch.

    Args:
        model: the loaded weights.
        vocabulary: of the same model.
        encoded: the encoder's output, one row a window.
        prompts: one a window, all of the same length; language and task may differ.
        how: beam, temperature and limit of them all.
    """
    length = len(prompts[0])
    results = model.generate(
        encoded,
        list(prompts),
        return_scores=True,
        return_no_speech_prob=True,
        max_length=_total_length(length, how.max_tokens),
        max_initial_timestamp_index=INITIAL_TIMESTAMP,
        **_search(how),
    )
    return [_hypothesis(result, vocabulary, how.temperature) for result in results]


def _total_length(prompt: int, new: int) -> int:
    """CTranslate2 makes min(total / 2, total - prompt + 1) tokens of a total."""
    return max(2 * new, prompt - 1 + new)


def _search(how: Decoding) -> dict[str, Any]:
    if how.temperature > 0:
        return {
            "beam_size": 1,
            "num_hypotheses": BEST_OF,
            "sampling_topk": 0,
            "sampling_temperature": how.temperature,
        }
    return {"beam_size": how.beam}


def _hypothesis(
    result: ctranslate2.models.WhisperGenerationResult, vocabulary: Vocabulary, temperature: float
) -> Hypothesis:
    tokens = tuple(result.sequences_ids[0])
    text = vocabulary.text(tokens)
    return Hypothesis(
        tokens=tokens,
        text=text,
        avg_logprob=_mean_logprob(result.scores[0], len(tokens)),
        no_speech_prob=result.no_speech_prob,
        compression_ratio=compression_ratio(text),
        temperature=temperature,
    )


def _mean_logprob(score: float, tokens: int) -> float:
    """The mean over the tokens and the end; CTranslate2's score of no tokens is no number."""
    return score * tokens / (tokens + 1) if tokens else 0.0
