"""A voice's conditions as named arrays, and the name of the models that made them."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

from services.tts.engines.base import Arrays, Reference
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.voice import VoiceConditions, key_of, listen

_VERSION = 1
"""Raised when :func:`listen` hears otherwise than before, or the arrays change."""
_SAMPLED = 64
"""Values of each tensor that tell one set of weights from another."""
_REFERENCE = ("prompt_token", "prompt_token_len", "prompt_feat", "prompt_feat_len", "embedding")
"""Of the package's ``ref_dict``; the package leaves some None."""
_NEEDED = {"speaker": 2, "prompt": 2, "prompt_token": 2, "prompt_feat": 3, "embedding": 2}
"""Arrays that every voice has, and their dimensions."""


class ConditionsPreparing:
    """How Chatterbox prepares voices; see :class:`services.tts.engines.prepared.Preparing`."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self.preparation = f"chatterbox-{models.spec.variant.value}/{_release()}/{_VERSION}/" + (
            _fingerprint(models)
        )

    def prepare(self, reference: Reference) -> VoiceConditions:
        """Listen to the recording."""
        return listen(self._models, key_of(reference.voice_id, reference.digest), reference.samples)

    def to_arrays(self, made: VoiceConditions) -> Arrays:
        """All of it but the key, on the CPU."""
        tensors = {"speaker": made.speaker, "prompt": made.prompt, **made.reference}
        return {name: _array(value) for name, value in tensors.items() if value is not None}

    def from_arrays(self, reference: Reference, arrays: Arrays) -> VoiceConditions:
        """The reverse.

        Raises:
            ValueError: an array is missing, is not finite, or has other dimensions.
        """
        for name, dimensions in _NEEDED.items():
            if name not in arrays or arrays[name].ndim != dimensions:
                raise ValueError(f"{name!r} is not what it has to be")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("there are values that are no numbers")
        tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        return VoiceConditions(
            key=key_of(reference.voice_id, reference.digest),
            speaker=tensors["speaker"],
            prompt=tensors["prompt"],
            reference={name: tensors.get(name) for name in _REFERENCE},
        )


def _array(value: torch.Tensor) -> Any:
    return value.detach().cpu().contiguous().numpy()


def _release() -> str:
    try:
        return version("chatterbox-tts")
    except PackageNotFoundError:
        return "unknown"


def _fingerprint(models: Models) -> str:
    """Of the weights that listen: another set of them hears another voice."""
    seen = hashlib.sha256()
    for module in (models.voice_encoder, models.s3gen):
        for name, tensor in ({} if module is None else module.state_dict()).items():
            sample = tensor.detach().flatten()[:_SAMPLED].float().cpu().numpy()
            seen.update(name.encode() + sample.tobytes())
    return seen.hexdigest()[:16]
