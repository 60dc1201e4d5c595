"""The package's real classes with small random weights."""

import os
from types import SimpleNamespace
from typing import Any

import torch
from chatterbox.models.s3gen.decoder import ConditionalDecoder
from chatterbox.models.s3gen.f0_predictor import ConvRNNF0Predictor
from chatterbox.models.s3gen.flow import CausalMaskedDiffWithXvec
from chatterbox.models.s3gen.flow_matching import CausalConditionalCFM
from chatterbox.models.s3gen.hifigan import HiFTGenerator
from chatterbox.models.s3gen.s3gen import CFM_PARAMS, S3Token2Wav
from chatterbox.models.s3gen.transformer.upsample_encoder import UpsampleConformerEncoder
from chatterbox.models.t3 import T3
from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS
from chatterbox.models.t3.modules.cond_enc import T3Cond
from chatterbox.models.t3.modules.t3_config import T3Config

from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.variants import SPECS, Variant
from services.tts.engines.chatterbox.voice import VoiceConditions

DEVICE = torch.device(os.environ.get("PARLEY_TORCH_DEVICE", "cpu"))
"""Where the tests run; `tests/gpu` sets it to CUDA before it takes them over."""
PROMPT_TOKENS = 12
"""Reference tokens that a small T3 hears."""

LLAMA_CONFIGS["small-gpt2"] = LLAMA_CONFIGS["GPT2_medium"] | {
    "hidden_size": 64, "n_embd": 64, "n_head": 4, "n_layer": 3, "n_positions": 512,
    "n_ctx": 512, "vocab_size": 8,
}  # fmt: skip
_LLAMA = LLAMA_CONFIGS["Llama_520M"] | {
    "intermediate_size": 64, "num_attention_heads": 16, "num_key_value_heads": 16,
    "head_dim": 8,
}  # fmt: skip
# The package fixes the perceiver's width to 1024, and multilingual reads layers 9 to 13.
LLAMA_CONFIGS["small-llama"] = _LLAMA | {"num_hidden_layers": 3}
LLAMA_CONFIGS["small-llama-14"] = _LLAMA | {"num_hidden_layers": 14}


def t3(variant: Variant, seed: int = 0) -> Any:
    """A T3 whose next tokens depend on what was said."""
    torch.manual_seed(seed)
    hp = T3Config(text_tokens_dict_size=2454 if variant is Variant.MULTILINGUAL else 704)
    hp.speech_cond_prompt_len = PROMPT_TOKENS
    hp.llama_config_name = {
        Variant.TURBO: "small-gpt2",
        Variant.ENGLISH: "small-llama",
        Variant.MULTILINGUAL: "small-llama-14",
    }[variant]
    hp.max_text_tokens, hp.max_speech_tokens = 256, 256
    if variant is Variant.TURBO:
        hp.speech_tokens_dict_size = 6563
        hp.input_pos_emb = None
        hp.use_perceiver_resampler = False
        hp.emotion_adv = False
    model = T3(hp).eval()
    _enliven(model)
    return model.to(DEVICE)


def _enliven(model: Any) -> None:
    """Weights of a size at which voice and text matter as much as the last token."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2 and "emb" not in name and "wpe" not in name:
                parameter.normal_(std=2 / parameter.shape[0] ** 0.5)


def conditions(model: Any, seed: int, emotion: float = 0.5) -> Any:
    """What a T3 knows of a voice."""
    random = torch.Generator().manual_seed(seed)
    return T3Cond(
        speaker_emb=torch.randn(1, 256, generator=random),
        cond_prompt_speech_tokens=torch.randint(0, 6561, (1, PROMPT_TOKENS), generator=random),
        emotion_adv=emotion * torch.ones(1, 1, 1),
    ).to(device=DEVICE)


def text(model: Any, length: int, seed: int) -> torch.Tensor:
    """Text tokens, int64 [length], with the marks that english and multilingual have."""
    random = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 255, (length,), generator=random)
    if not model.is_gpt:
        tokens[0], tokens[-1] = model.hp.start_text_token, model.hp.stop_text_token
    return tokens.to(DEVICE)


def s3gen(variant: Variant, seed: int = 0) -> Any:
    """An S3Gen of a few layers; without the reference's encoders, which are not small."""
    torch.manual_seed(seed)
    meanflow = variant is Variant.TURBO
    model = S3Token2Wav.__new__(S3Token2Wav)
    torch.nn.Module.__init__(model)
    model.meanflow = meanflow
    estimator = ConditionalDecoder(
        channels=[32], n_blocks=1, num_mid_blocks=1, num_heads=2, attention_head_dim=16,
        meanflow=meanflow,
    )  # fmt: skip
    encoder = UpsampleConformerEncoder(linear_units=64, num_blocks=1, attention_heads=2)
    model.flow = CausalMaskedDiffWithXvec(
        encoder=encoder,
        decoder=CausalConditionalCFM(spk_emb_dim=80, cfm_params=CFM_PARAMS, estimator=estimator),
    )
    model.mel2wav = HiFTGenerator(
        base_channels=32, sampling_rate=24_000, upsample_rates=[8, 5, 3],
        upsample_kernel_sizes=[16, 11, 7], source_resblock_kernel_sizes=[7, 7, 11],
        source_resblock_dilation_sizes=[[1, 3, 5]] * 3,
        f0_predictor=ConvRNNF0Predictor(cond_channels=32),
    )  # fmt: skip
    fade = torch.zeros(960)
    fade[480:] = (torch.cos(torch.linspace(torch.pi, 0, 480)) + 1) / 2
    model.register_buffer("trim_fade", fade, persistent=False)
    return model.to(DEVICE).eval()


def reference(seed: int, tokens: int = 20) -> dict[str, Any]:
    """What an S3Gen knows of a voice."""
    random = torch.Generator().manual_seed(seed)
    return {
        "prompt_token": torch.randint(0, 6561, (1, tokens), generator=random),
        "prompt_token_len": torch.tensor([tokens]),
        "prompt_feat": torch.randn(1, 2 * tokens, 80, generator=random),
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192, generator=random),
    }


class Letters:
    """Text as one token a letter, in place of the weights' own tokenizer."""

    def __init__(self, model: Any) -> None:
        self._hp = model.hp
        self._marked = not model.is_gpt

    def __call__(self, text: str, language: str) -> torch.Tensor:
        letters = [1 + ord(letter) % 250 for letter in text]
        if self._marked:
            letters = [self._hp.start_text_token, *letters, self._hp.stop_text_token]
        return torch.tensor(letters)


def models(variant: Variant, device: torch.device | None = None) -> Models:
    """All of a variant, small, in float32 wherever it is."""
    model = t3(variant)
    where = device or DEVICE
    return Models(
        spec=SPECS[variant],
        t3=model.to(where).eval(),
        s3gen=s3gen(variant).to(where),
        voice_encoder=None,
        tokens=Letters(model),
        built_in=SimpleNamespace(t3=conditions(model, 1), gen=reference(1)),
    )


def voice(seed: int, prompt: int = 20) -> VoiceConditions:
    """A voice of its own, as if made from a recording."""
    random = torch.Generator().manual_seed(seed)
    return VoiceConditions(
        key=f"voice-{seed}/1",
        speaker=torch.randn(1, 256, generator=random),
        prompt=torch.randint(0, 6561, (1, PROMPT_TOKENS), generator=random),
        reference=reference(seed, prompt),
    )
