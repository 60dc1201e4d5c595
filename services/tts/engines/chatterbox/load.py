"""The package's modules with their weights, from a folder or the hub."""

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import torch

from services.tts.engines.chatterbox.packed import pack
from services.tts.engines.chatterbox.variants import SPECS, Variant, VariantSpec
from shared.errors import EngineUnavailable
from shared.knock import Silent, knock

_BUILT_IN = "conds.pt"
_CANGJIE = "Cangjie5_TC.json"


class TextTokens(Protocol):
    """A text as the model's tokens."""

    def __call__(self, text: str, language: str) -> torch.Tensor:
        """int64 [tokens]; english and multilingual with the marks around them."""
        ...


@dataclass(frozen=True, slots=True)
class Models:
    """Everything of one variant, on one device, in eval mode."""

    spec: VariantSpec
    t3: Any
    s3gen: Any
    voice_encoder: Any
    tokens: TextTokens
    built_in: Any
    """The package's ``Conditionals`` of the voice that comes with the weights, or None."""


def find(variant: Variant, folder: Path | None) -> Path:
    """The folder that holds a variant's files; downloads them where none is named.

    Raises:
        EngineUnavailable: a file is missing, or the hub cannot be reached.
    """
    spec = SPECS[variant]
    files = [spec.t3_file, spec.s3gen_file, spec.voice_encoder_file, spec.tokenizer_file]
    if folder is not None:
        missing = [name for name in files if name and not (folder / name).exists()]
        if missing:
            raise EngineUnavailable(f"{folder} lacks {', '.join(missing)} of {variant.value}")
        return folder
    return _download(spec, [*filter(None, files), _BUILT_IN, _CANGJIE])


def _download(spec: VariantSpec, files: list[str]) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    extra = [] if spec.tokenizer_file else ["*.json", "*.txt", "*.model"]
    silent = _silent(spec.repository)
    try:
        return Path(
            snapshot_download(
                repo_id=spec.repository,
                allow_patterns=[*files, *extra],
                token=os.environ.get("HF_TOKEN") or None,
                local_files_only=silent is not None,
            )
        )
    except (HfHubHTTPError, httpx.HTTPError, OSError) as error:
        why = silent or type(error).__name__
        raise EngineUnavailable(
            f"{spec.repository} could not be downloaded ({why}); "
            "name a folder with the weights in TTS_MODEL_DIR"
        ) from error


def _silent(repository: str) -> str | None:
    """Why the hub cannot be asked; None: it answers. Its client would wait for ever."""
    from huggingface_hub import constants  # noqa: PLC0415 - slow to import

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    try:
        knock(f"{constants.ENDPOINT}/api/models/{repository}")
    except Silent as error:
        return str(error)
    return None


def load(variant: Variant, folder: Path, device: torch.device) -> Models:
    """Load a variant.

    T3 runs in bfloat16 on CUDA and float32 on a CPU; S3Gen in float32. On a CPU the linear
    layers of both are packed.

    Raises:
        EngineUnavailable: a file does not hold what this variant needs.
    """
    from chatterbox.models.s3gen import S3Gen  # noqa: PLC0415 - slow to import
    from chatterbox.models.voice_encoder import VoiceEncoder  # noqa: PLC0415

    spec = SPECS[variant]
    try:
        t3 = build_t3(variant)
        _fill(t3, folder / spec.t3_file)
        if t3.is_gpt:
            del t3.tfmr.wte
        s3gen = S3Gen(meanflow=variant is Variant.TURBO)
        _fill(s3gen, folder / spec.s3gen_file, strict=variant is not Variant.ENGLISH)
        voice_encoder = VoiceEncoder()
        _fill(voice_encoder, folder / spec.voice_encoder_file)
        return Models(
            spec=spec,
            t3=pack(prepared(t3, device)),
            s3gen=pack(s3gen.to(device).eval()),
            voice_encoder=voice_encoder.to(device).eval(),
            tokens=_tokenizer(spec, folder, t3.hp),
            built_in=_built_in(variant, folder / _BUILT_IN),
        )
    except (RuntimeError, KeyError, OSError) as error:
        raise EngineUnavailable(f"{folder} does not hold {variant.value}: {error}") from error


def prepared(t3: Any, device: torch.device) -> Any:
    """T3 on its device, in the precision used there."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    return in_precision(t3, dtype).to(device).eval()


def in_precision(t3: Any, dtype: torch.dtype) -> Any:
    """T3 with its weights in a precision.

    Only its weights: the frequencies of the rotary embedding are a buffer, and rounded to
    bfloat16 they turn a token at position 1000 by whole radians too far.
    """
    for weight in t3.parameters():
        weight.data = weight.data.to(dtype)
    return t3


def build_t3(variant: Variant) -> Any:
    """A variant's T3 at full size, its weights not loaded."""
    from chatterbox.models.t3 import T3  # noqa: PLC0415 - slow to import
    from chatterbox.models.t3.modules.t3_config import T3Config  # noqa: PLC0415

    if variant is Variant.ENGLISH:
        return T3(T3Config.english_only())
    if variant is Variant.MULTILINGUAL:
        return T3(T3Config.multilingual())
    hp = T3Config(text_tokens_dict_size=50276)
    hp.llama_config_name = "GPT2_medium"
    hp.speech_tokens_dict_size = 6563
    hp.input_pos_emb = None
    hp.speech_cond_prompt_len = 375
    hp.use_perceiver_resampler = False
    hp.emotion_adv = False
    return T3(hp)


def _fill(module: Any, file: Path, *, strict: bool = True) -> None:
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file  # noqa: PLC0415 - needs torch

        state = load_file(file)
    else:
        state = torch.load(file, map_location="cpu", weights_only=True)
    if "model" in state:
        state = state["model"][0]
    module.load_state_dict(state, strict=strict)


def _built_in(variant: Variant, file: Path) -> Any:
    if not file.exists():
        return None
    from chatterbox import mtl_tts, tts, tts_turbo  # noqa: PLC0415 - slow to import

    module = {
        Variant.TURBO: tts_turbo,
        Variant.ENGLISH: tts,
        Variant.MULTILINGUAL: mtl_tts,
    }[variant]
    return module.Conditionals.load(file, map_location="cpu")


def _tokenizer(spec: VariantSpec, folder: Path, hp: Any) -> TextTokens:
    if spec.variant is Variant.TURBO:
        from transformers import AutoTokenizer  # noqa: PLC0415 - slow to import

        return PlainTokens(AutoTokenizer.from_pretrained(folder))
    from chatterbox.models.tokenizers import EnTokenizer, MTLTokenizer  # noqa: PLC0415

    file = str(folder / spec.tokenizer_file)
    if spec.variant is Variant.ENGLISH:
        return MarkedTokens(EnTokenizer(file), hp, languages=False)
    with _at_hand(folder):
        return MarkedTokens(MTLTokenizer(file), hp, languages=True)


@contextlib.contextmanager
def _at_hand(folder: Path) -> Iterator[None]:
    """The package's tokenizer finds its table of Chinese characters in the folder.

    It asks the hub for it, whatever is there, and for minutes where the hub is silent.
    """
    from chatterbox.models.tokenizers import tokenizer  # noqa: PLC0415 - slow to import

    asked = tokenizer.hf_hub_download
    tokenizer.hf_hub_download = lambda **_: str(folder / _CANGJIE)
    try:
        yield
    finally:
        tokenizer.hf_hub_download = asked


class PlainTokens:
    """Turbo's: a Hugging Face tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __call__(self, text: str, language: str) -> torch.Tensor:
        del language
        return torch.tensor(self._tokenizer(text).input_ids, dtype=torch.long)


class MarkedTokens:
    """English's and multilingual's: the package's, with marks of start and stop."""

    def __init__(self, tokenizer: Any, hp: Any, *, languages: bool) -> None:
        self._tokenizer = tokenizer
        self._hp = hp
        self._languages = languages

    def __call__(self, text: str, language: str) -> torch.Tensor:
        options = {"language_id": language} if self._languages else {}
        with contextlib.redirect_stdout(io.StringIO()):
            tokens = self._tokenizer.text_to_tokens(text, **options)[0].long()
        start = tokens.new_tensor([self._hp.start_text_token])
        stop = tokens.new_tensor([self._hp.stop_text_token])
        return torch.cat((start, tokens, stop))
