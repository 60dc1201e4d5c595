import numpy as np
import pytest
from faster_whisper.audio import pad_or_trim
from faster_whisper.feature_extractor import FeatureExtractor

from services.asr.engines.whisper.features import LogMel, frames_for


@pytest.mark.parametrize("mels", [80, 128])
@pytest.mark.parametrize("seconds", [0.1, 3.0, 30.0])
def test_features_are_faster_whispers_own(mels: int, seconds: float) -> None:
    samples = np.random.default_rng(0).standard_normal(int(seconds * 16000)).astype(np.float32)
    expected = pad_or_trim(FeatureExtractor(feature_size=mels)(samples))
    assert np.array_equal(LogMel(mels)(samples), expected)


def test_no_audio_is_all_padding() -> None:
    assert not LogMel(80)(np.zeros(0, np.float32)).any()


@pytest.mark.parametrize(
    ("seconds", "frames"), [(0.5, 400), (3.0, 400), (3.01, 800), (7.5, 3000), (30.0, 3000)]
)
def test_a_window_takes_the_first_class_with_room(seconds: float, frames: int) -> None:
    assert frames_for(seconds, (4.0, 8.0)) == frames


def test_without_classes_every_window_is_whole() -> None:
    assert frames_for(0.2, ()) == 3000
