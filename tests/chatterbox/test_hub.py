"""A hub that cannot be asked stops Chatterbox with the reason, and at once."""

import pytest
from huggingface_hub import constants

from services.tts.engines import knock
from services.tts.engines.chatterbox.load import find
from services.tts.engines.chatterbox.variants import Variant
from shared.errors import EngineUnavailable
from tests.silence import silent_server


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
