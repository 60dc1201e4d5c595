"""Small random Whispers, made once a session."""

import pytest

from tests.models.random_whisper import Shape, write


@pytest.fixture(scope="session")
def random_whisper(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a multilingual model of random float32 weights."""
    return str(write(tmp_path_factory.mktemp("random-whisper") / "model"))


@pytest.fixture(scope="session")
def english_whisper(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same, as an English-only model."""
    folder = tmp_path_factory.mktemp("english-whisper") / "model"
    return str(write(folder, Shape(multilingual=False), seed=1))
