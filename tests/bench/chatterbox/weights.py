"""Full-size turbo with random weights, and voices and texts for it."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from chatterbox.models.s3gen import S3Gen

from services.tts.engines.chatterbox.load import Models, build_t3, prepared
from services.tts.engines.chatterbox.packed import pack
from services.tts.engines.chatterbox.variants import SPECS, Variant
from services.tts.engines.chatterbox.voice import VoiceConditions
from tests.chatterbox import small

SPEC = SPECS[Variant.TURBO]
PROMPT = 375
"""Tokens of a voice's recording that T3 hears, as with 15 s of it."""
REFERENCE = 250
"""Tokens of a voice's recording that S3Gen hears: 10 s."""
TEXT = 60
"""Tokens of a text; two sentences."""


class FixedText:
    """A text is as many tokens as it is long; what they are does not matter here."""

    def __call__(self, text: str, language: str) -> torch.Tensor:
        del language
        return torch.arange(TEXT) + len(text)


def models(device: torch.device) -> Models:
    """Turbo, random, on a device, as the package has it."""
    torch.manual_seed(0)
    return Models(
        spec=SPEC,
        t3=prepared(build_t3(Variant.TURBO), device),
        s3gen=S3Gen(meanflow=True).to(device).eval(),
        voice_encoder=None,
        tokens=FixedText(),
        built_in=None,
    )


def packed(models: Models) -> Models:
    """The same weights as our engine loads them."""
    if models.t3.speech_head.weight.device.type != "cpu":
        return models
    return replace(models, t3=pack(deepcopy(models.t3)), s3gen=pack(deepcopy(models.s3gen)))


def small_models(device: torch.device) -> Models:
    """Turbo as the tests have it: to try the measurements themselves."""
    models = small.models(Variant.TURBO, device)
    models.s3gen.tokenizer = torch.nn.Linear(1, 1, device=device)  # the package asks it where it is
    return replace(models, tokens=FixedText(), built_in=None)


def voice(seed: int) -> VoiceConditions:
    """A voice with a recording as long as the models make use of."""
    random = torch.Generator().manual_seed(seed)
    reference: dict[str, Any] = {
        "prompt_token": torch.randint(0, 6561, (1, REFERENCE), generator=random),
        "prompt_token_len": torch.tensor([REFERENCE]),
        "prompt_feat": torch.randn(1, 2 * REFERENCE, 80, generator=random),
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192, generator=random),
    }
    return VoiceConditions(
        key=f"voice-{seed}",
        speaker=torch.randn(1, 256, generator=random),
        prompt=torch.randint(0, 6561, (1, PROMPT), generator=random),
        reference=reference,
    )
