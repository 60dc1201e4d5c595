"""A hub that cannot be asked stops Chatterbox with the reason, and at once."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chatterbox.models.tokenizers import tokenizer as package
from huggingface_hub import constants
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from services.tts.engines.chatterbox.load import _tokenizer, find
from services.tts.engines.chatterbox.variants import SPECS, Variant
from shared import knock
from shared.errors import EngineUnavailable
from tests.doubles.silent_servers import silent_server


@pytest.mark.parametrize("variant", Variant)
def test_a_silent_hub_is_given_up(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knock, "SILENCE_S", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with silent_server() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server)
        with pytest.raises(EngineUnavailable, match=r"did not answer.*TTS_MODEL_DIR"):
            find(variant, None)


def test_offline_the_hub_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EngineUnavailable, match="HF_HUB_OFFLINE is set"):
        find(Variant.TURBO, None)


def test_the_table_of_chinese_characters_comes_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hub(**_: Any) -> str:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr(package, "hf_hub_download", hub)
    spec = SPECS[Variant.MULTILINGUAL]
    known = {"[STOP]": 0, "[UNK]": 1, "[START]": 2, "[cj_o]": 3, "[cj_.]": 4}
    Tokenizer(WordLevel(known, unk_token="[UNK]")).save(str(tmp_path / spec.tokenizer_file))
    (tmp_path / "Cangjie5_TC.json").write_text(json.dumps(["\u4eba\to"]))
    made: Any = _tokenizer(spec, tmp_path, SimpleNamespace(start_text_token=2, stop_text_token=0))
    assert made._tokenizer.cangjie_converter("\u4eba") == "[cj_o][cj_.]"
    assert package.hf_hub_download is hub
