from pathlib import Path

import pytest

from services.asr.engines.whisper.load import Device, load
from services.asr.engines.whisper.tokens import MAX_PROMPT, Vocabulary


@pytest.fixture(scope="module")
def vocabulary(random_whisper: str) -> Vocabulary:
    return load(Path(random_whisper), "random", Device("cpu", 0, "float32", 1)).vocabulary


@pytest.fixture(scope="module")
def english(english_whisper: str) -> Vocabulary:
    return load(Path(english_whisper), "english", Device("cpu", 0, "float32", 1)).vocabulary


def names(vocabulary: Vocabulary, tokens: list[int]) -> list[str]:
    raw = vocabulary.tokenizer("en", "transcribe").tokenizer
    return [raw.id_to_token(token) for token in tokens]


def test_a_prompt_names_language_and_task(vocabulary: Vocabulary) -> None:
    made = vocabulary.prompt("de", "translate", (), timestamps=False)
    assert names(vocabulary, made) == [
        "<|startoftranscript|>",
        "<|de|>",
        "<|translate|>",
        "<|notimestamps|>",
    ]


def test_an_english_model_is_given_neither(english: Vocabulary) -> None:
    made = english.prompt("en", "transcribe", (), timestamps=True)
    assert names(english, made) == ["<|startoftranscript|>"]
    assert not english.multilingual


def test_previous_text_comes_first_and_is_bounded(vocabulary: Vocabulary) -> None:
    previous = vocabulary.encode_prompt(" wa" * 1000)
    assert len(previous) == MAX_PROMPT
    made = vocabulary.prompt("en", "transcribe", previous, timestamps=False)
    assert names(vocabulary, made)[0] == "<|startofprev|>"
    assert len(made) == MAX_PROMPT + 5
    assert vocabulary.encode_prompt("  ") == vocabulary.encode_prompt(None) == ()


def test_prompts_are_equally_long_whatever_the_language(vocabulary: Vocabulary) -> None:
    lengths = {
        len(vocabulary.prompt(language, task, (5, 6), timestamps=False))
        for language in ("en", "de", "ja", None)
        for task in ("transcribe", "translate")
    }
    assert len(lengths) == 1


def test_text_leaves_out_what_is_no_text(vocabulary: Vocabulary) -> None:
    words = list(vocabulary.encode_prompt("wa wb"))
    assert vocabulary.text([vocabulary.first_timestamp, *words]) == "wa wb"
    assert vocabulary.is_text(words[0])
    assert not vocabulary.is_text(vocabulary.first_timestamp)
    assert "".join(map(vocabulary.piece, words)) == " wa wb"
