"""What differs between the three Chatterbox models."""

from dataclasses import dataclass
from enum import Enum

SPEECH_VOCABULARY = 6561
"""Speech tokens below this are sound; the ones from here on are marks."""
START_TOKEN = 6561
STOP_TOKEN = 6562
SILENCE_TOKEN = 4299
"""A token of silence, as the package appends it to turbo's speech."""


class Variant(Enum):
    """The model to load."""

    TURBO = "turbo"
    ENGLISH = "english"
    MULTILINGUAL = "multilingual"


class Order(Enum):
    """In which order a variant's logits are processed (the package's own)."""

    PENALTY_LAST = "temperature, top-k, top-p, penalty"
    PENALTY_FIRST = "penalty, temperature, min-p, top-p"


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How a request's tokens are drawn. Defaults are the variant's."""

    temperature: float = 0.8
    """Above 0; for greedy decoding see :meth:`VariantSpec.greedy`."""
    top_k: int = 0
    """0: no limit. Turbo only."""
    top_p: float = 1.0
    min_p: float = 0.0
    """English and multilingual only."""
    repetition_penalty: float = 1.2
    cfg_weight: float = 0.0
    """Weight of the guidance away from the text-less row; 0: no such row."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """The facts of a variant."""

    variant: Variant
    repository: str
    """On the hub."""
    t3_file: str
    s3gen_file: str
    voice_encoder_file: str
    tokenizer_file: str
    """Empty: the tokenizer of the folder (``AutoTokenizer``)."""
    order: Order
    sampling: SamplingParams
    languages: tuple[str, ...]
    """ISO 639-1, the one it speaks when none is asked for first."""
    prompt_seconds: int
    """Of a reference recording that T3 hears."""
    safe_tokens: int
    """Speech tokens, at an ordinary pace, of the longest text at which the model does not wander.

    English of 300 characters has 535, of 250 has 446; a text of ideographs has as many in a
    third of the characters.
    """
    silence_tokens: int
    """Silence appended to the speech, in tokens."""
    flow_steps: int
    level_reference: bool
    """Whether a reference recording is brought to -27 LUFS first."""

    @property
    def emotional(self) -> bool:
        """Whether exaggeration has an effect."""
        return self.variant is not Variant.TURBO

    def greedy(self) -> SamplingParams:
        """The most likely token each time, as the package can be made to do it."""
        if self.order is Order.PENALTY_LAST:
            return SamplingParams(temperature=1.0, top_k=1, repetition_penalty=1.2)
        return SamplingParams(
            temperature=1.0,
            top_p=0.0,
            repetition_penalty=self.sampling.repetition_penalty,
            cfg_weight=self.sampling.cfg_weight,
        )


_MULTILINGUAL = "en ar da de el es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh"

SPECS = {
    Variant.TURBO: VariantSpec(
        variant=Variant.TURBO,
        repository="ResembleAI/chatterbox-turbo",
        t3_file="t3_turbo_v1.safetensors",
        s3gen_file="s3gen_meanflow.safetensors",
        voice_encoder_file="ve.safetensors",
        tokenizer_file="",
        order=Order.PENALTY_LAST,
        sampling=SamplingParams(temperature=0.8, top_k=1000, top_p=0.95),
        languages=("en",),
        prompt_seconds=15,
        safe_tokens=535,
        silence_tokens=3,
        flow_steps=2,
        level_reference=True,
    ),
    Variant.ENGLISH: VariantSpec(
        variant=Variant.ENGLISH,
        repository="ResembleAI/chatterbox",
        t3_file="t3_cfg.safetensors",
        s3gen_file="s3gen.safetensors",
        voice_encoder_file="ve.safetensors",
        tokenizer_file="tokenizer.json",
        order=Order.PENALTY_FIRST,
        sampling=SamplingParams(min_p=0.05, cfg_weight=0.5),
        languages=("en",),
        prompt_seconds=6,
        safe_tokens=535,
        silence_tokens=0,
        flow_steps=10,
        level_reference=False,
    ),
    Variant.MULTILINGUAL: VariantSpec(
        variant=Variant.MULTILINGUAL,
        repository="ResembleAI/chatterbox",
        t3_file="t3_mtl23ls_v2.safetensors",
        s3gen_file="s3gen.pt",
        voice_encoder_file="ve.pt",
        tokenizer_file="grapheme_mtl_merged_expanded_v1.json",
        order=Order.PENALTY_FIRST,
        sampling=SamplingParams(min_p=0.05, cfg_weight=0.5, repetition_penalty=2.0),
        languages=tuple(_MULTILINGUAL.split()),
        prompt_seconds=6,
        safe_tokens=446,
        silence_tokens=0,
        flow_steps=10,
        level_reference=False,
    ),
}
