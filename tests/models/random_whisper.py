"""A small Whisper with random weights, written in CTranslate2's format with numpy alone.

It knows nothing about speech. What it has is what the engine's plumbing needs: the layout,
the special and timestamp tokens of OpenAI's multilingual checkpoints, words that start
with a space, and a bias on the end token, so that texts have different lengths.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs.model_spec import OPTIONAL, visit_spec
from ctranslate2.specs.whisper_spec import WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    width: int = 32
    heads: int = 2
    layers: int = 2
    """Of the encoder, and of the decoder where `decoder_layers` is 0."""
    mels: int = 80
    words: int = 400
    """Text tokens; the special tokens follow."""
    multilingual: bool = True
    """CTranslate2 knows it by an empty token, the last of the text tokens."""
    decoder_layers: int = 0
    end_bias: float = 0.0
    """Added to the logit of the end token: the larger, the shorter the texts."""


def vocabulary(shape: Shape) -> list[str]:
    """The tokens in order: words, end, start, languages, tasks, timestamps."""
    last = "" if shape.multilingual else "Ġlast"
    text = [chr(33 + i) for i in range(94)]
    text += [*(f"Ġw{_letters(i)}" for i in range(shape.words - 95)), last]
    languages = [f"<|{code}|>" for code in _LANGUAGE_CODES[:99]]
    special = ["<|endoftext|>", "<|startoftranscript|>", *languages, "<|translate|>"]
    special += ["<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    special += ["<|notimestamps|>", *(f"<|{i * 0.02:.2f}|>" for i in range(1501))]
    return text + special


def _letters(number: int) -> str:
    """a, b … z, ba, bb …: words without digits, which tokenizers cut off."""
    rest, letter = divmod(number, 26)
    return (_letters(rest) if rest else "") + chr(ord("a") + letter)


def write(folder: Path, shape: Shape = Shape(), *, seed: int = 0, quantization: str = "") -> Path:
    """Make a model directory that faster-whisper and the engine load.

    Args:
        folder: made if missing; gets model.bin, config.json, vocabulary.json, tokenizer.json.
        shape: sizes of the network.
        seed: of the weights.
        quantization: CTranslate2's name ("int8"); empty for float32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokens = vocabulary(shape)
    decoder_layers = shape.decoder_layers or shape.layers
    spec = WhisperSpec(shape.layers, shape.heads, decoder_layers, shape.heads)
    _fill(spec, shape, len(tokens), seed)
    bias = np.zeros(len(tokens), np.float32)
    bias[shape.words] = shape.end_bias
    spec.decoder.projection.bias = bias
    spec.config.alignment_heads = [(decoder_layers - 1, head) for head in range(shape.heads)]
    first = shape.words + 2
    spec.config.lang_ids = list(range(first, first + 99))
    spec.config.suppress_ids = [0, 1, 2, shape.words - 1]
    spec.config.suppress_ids_begin = [shape.words]
    spec.register_vocabulary(tokens)
    spec.validate()
    spec.optimize(quantization or None)
    spec.save(str(folder))
    _tokenizer(tokens).save(str(folder / "tokenizer.json"))
    return folder


def _tokenizer(tokens: list[str]) -> Tokenizer:
    ids = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _fill(spec: WhisperSpec, shape: Shape, vocabulary_size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    width = shape.width
    sizes = {
        "conv1/weight": (width, shape.mels, 3),
        "conv2/weight": (width, width, 3),
        "encoder/position_encodings/encodings": (1500, width),
        "decoder/position_encodings/encodings": (448, width),
        "embeddings/weight": (vocabulary_size, width),
        "projection/weight": (vocabulary_size, width),
        "self_attention/linear_0/weight": (3 * width, width),
        "attention/linear_1/weight": (2 * width, width),
        "ffn/linear_0/weight": (4 * width, width),
        "ffn/linear_1/weight": (width, 4 * width),
    }

    def fill(owner: Any, name: str, value: object) -> None:
        if value is not None and value is not OPTIONAL:
            return
        field = name.rsplit("/", 1)[-1]
        if field in ("gamma", "beta"):
            setattr(owner, field, np.full(width, field == "gamma", np.float32))
        elif field in ("weight", "encodings"):
            setattr(owner, field, _weights(random, name, sizes, width))

    visit_spec(spec, fill)


def _weights(
    random: np.random.Generator, name: str, sizes: dict[str, tuple[int, ...]], width: int
) -> NDArray[np.float32]:
    keys = [key for key in sizes if name.endswith(key)]
    if name.endswith("self_attention/linear_1/weight"):
        keys = []
    size = sizes[max(keys, key=len)] if keys else (width, width)
    fan_in = int(np.prod(size[1:])) if len(size) > 1 else width
    scale = 1.0 if name.endswith("projection/weight") else 2.0
    drawn = random.standard_normal(size) * scale / np.sqrt(fan_in)
    return np.asarray(drawn, np.float32)
