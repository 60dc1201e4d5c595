"""What the models know of a voice: made once from its recording, handed to each request.

The package writes the current voice into the shared model. Here it travels with the
request, and both what is made from a recording and what a device derives from that are
kept for the voices spoken lately only.
"""

from dataclasses import dataclass
from typing import Any

import librosa
import numpy as np
import pyloudnorm
import torch

from services.tts.engines.base import SAMPLE_RATE, Samples
from services.tts.engines.chatterbox.device import sent
from services.tts.engines.chatterbox.load import Models
from shared.errors import InvalidRequest

_LISTEN_RATE = 16_000
_DECODER_SECONDS = 10
"""Of a recording that S3Gen hears."""
_SHORTEST_S = 5.0
"""Of a recording for turbo."""
_LOUDNESS = -27.0
"""LUFS of a recording for turbo."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceConditions:
    """One voice, on the CPU.

    Attributes:
        key: changes when the voice is replaced.
        speaker: [1, 256], T3's speaker embedding.
        prompt: int64 [1, tokens] of the recording, for T3.
        reference: the package's ``ref_dict`` for S3Gen.
    """

    key: str
    speaker: torch.Tensor
    prompt: torch.Tensor
    reference: dict[str, Any]

    @classmethod
    def built_in(cls, key: str, conditionals: Any) -> "VoiceConditions":
        """From the package's ``Conditionals``."""
        t3 = conditionals.t3
        return cls(key, t3.speaker_emb, t3.cond_prompt_speech_tokens, conditionals.gen)

    def for_t3(self, emotion: float, device: torch.device, dtype: torch.dtype) -> Any:
        """The package's ``T3Cond``; a new one each time, because T3 writes into it."""
        from chatterbox.models.t3.modules.cond_enc import T3Cond  # noqa: PLC0415

        return T3Cond(
            speaker_emb=sent(self.speaker, device, dtype),
            cond_prompt_speech_tokens=sent(self.prompt, device),
            emotion_adv=torch.full((1, 1, 1), emotion, device=device, dtype=dtype),
        )


def key_of(voice_id: str, digest: str) -> str:
    """What caches call a cloned voice: another recording under the same id is another voice."""
    return f"{voice_id}/{digest}"


def is_of(key: str, voice_id: str) -> bool:
    """Whether a key is of one of a voice's recordings."""
    return key.startswith(f"{voice_id}/")


def listen(models: Models, key: str, recording: Samples) -> VoiceConditions:
    """Make a voice from a recording.

    Args:
        models: loaded; none of what decodes or vocodes is used.
        key: of the result.
        recording: float32 [n], 24 kHz.

    Raises:
        InvalidRequest: the recording is too short, or silent.
    """
    spec = models.spec
    if spec.level_reference:
        if len(recording) < _SHORTEST_S * SAMPLE_RATE:
            raise InvalidRequest("the recording must be longer than 5 s", param="voice")
        recording = _levelled(recording)
    if not np.any(recording):
        raise InvalidRequest("the recording is silent", param="voice")
    narrow = librosa.resample(recording, orig_sr=SAMPLE_RATE, target_sr=_LISTEN_RATE)
    with torch.inference_mode():
        heard = models.s3gen.embed_ref(recording[: _DECODER_SECONDS * SAMPLE_RATE], SAMPLE_RATE)
        prompt, _ = models.s3gen.tokenizer(
            [narrow[: spec.prompt_seconds * _LISTEN_RATE]],
            max_len=models.t3.hp.speech_cond_prompt_len,
        )
        speaker = models.voice_encoder.embeds_from_wavs([narrow], sample_rate=_LISTEN_RATE)
    return VoiceConditions(
        key=key,
        speaker=torch.from_numpy(speaker).mean(dim=0, keepdim=True),
        prompt=torch.atleast_2d(prompt).cpu(),
        reference={name: _on_cpu(value) for name, value in heard.items()},
    )


def _levelled(recording: Samples) -> Samples:
    """At the loudness that turbo was trained with; what is too quiet to measure stays."""
    loudness = pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(recording)
    gain = 10 ** ((_LOUDNESS - loudness) / 20)
    return recording * np.float32(gain) if np.isfinite(gain) and gain > 0 else recording


def _on_cpu(value: Any) -> Any:
    return value.cpu() if isinstance(value, torch.Tensor) else value
