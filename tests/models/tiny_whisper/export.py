"""Exports a checkpoint for faster-whisper: `python -m tests.models.tiny_whisper.export CHECKPOINT`.

Writes CTranslate2's files (int8), `tokenizer.json` and `preprocessor_config.json` to `weights/`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from transformers import PreTrainedTokenizerFast

from tests.models.tiny_whisper.model import ALIGNED_HEADS, TinyWhisper
from tests.models.tiny_whisper.vocabulary import UNKNOWN, Vocabulary, tokenizer

WEIGHTS = Path(__file__).parent / "weights"

PREPROCESSOR = {
    "feature_size": 80,
    "sampling_rate": 16_000,
    "hop_length": 160,
    "chunk_length": 30,
    "n_fft": 400,
}
"""What faster-whisper's feature extractor reads."""

_NEVER_SAID = ("translate", "transcribe", "startoflm", "startofprev", "nospeech")


def _configure(out: Path, vocabulary: Vocabulary) -> None:
    """Completes CTranslate2's `config.json`: the converter puts defaults in these places."""
    suppressed = [vocabulary.unknown, *(vocabulary.special(name) for name in _NEVER_SAID)]
    configuration = {
        "alignment_heads": [list(head) for head in ALIGNED_HEADS],
        "lang_ids": [],
        "suppress_ids": suppressed,
        "suppress_ids_begin": [],  # an empty window ends at once
    }
    (out / "config.json").write_text(json.dumps(configuration, indent=1) + "\n")


def export(checkpoint: Path, out: Path, quantization: str = "int8") -> None:
    vocabulary = Vocabulary()
    model = TinyWhisper(vocabulary)
    model.load_state_dict(torch.load(checkpoint))
    model.whisper.generation_config.lang_to_id = {}  # no language tokens: English only
    with tempfile.TemporaryDirectory() as folder:
        model.whisper.save_pretrained(folder)
        words = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer(vocabulary.words),
            unk_token=UNKNOWN,
            bos_token="<|endoftext|>",
            eos_token="<|endoftext|>",
        )
        words.save_pretrained(folder)
        (Path(folder) / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2))
        converter = TransformersConverter(folder, copy_files=["preprocessor_config.json"])
        converter.convert(str(out), quantization=quantization, force=True)
    (out / "tokenizer.json").write_text(tokenizer(vocabulary.words).to_str())
    _configure(out, vocabulary)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--quantization", default="int8")
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.out, arguments.quantization)


if __name__ == "__main__":
    main()
