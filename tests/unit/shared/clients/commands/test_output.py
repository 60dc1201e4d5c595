"""Sound files of commands: whole, of the kind that their name says, or not there."""

import wave
from pathlib import Path

import pytest

from shared.audio.decode import AudioFile
from shared.clients.commands.output import SoundFile
from shared.errors import InvalidRequest
from tests.audio.sounds import tone


@pytest.mark.parametrize("name", ["a.wav", "a.WAV", "a.mp3", "a.opus", "a.ogg", "a.flac", "a.aac"])
def test_the_suffix_says_the_format(tmp_path: Path, name: str) -> None:
    with SoundFile(tmp_path / name, 24_000) as file:
        file.write(tone(24_000, 0.5))
        file.write(tone(24_000, 0.5))
    assert file.seconds == pytest.approx(1.0)
    with (tmp_path / name).open("rb") as data, AudioFile(data, max_seconds=10) as audio:
        assert sum(map(len, audio.blocks())) == pytest.approx(16_000, rel=0.1)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_wav_has_true_sizes(tmp_path: Path) -> None:
    with SoundFile(tmp_path / "a.wav", 24_000) as file:
        file.write(tone(24_000, 0.25))
    with wave.open(str(tmp_path / "a.wav")) as reader:
        assert reader.getnframes() == 6_000


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("precious")

    def fail() -> None:
        with SoundFile(path, 24_000) as file:
            file.write(tone(24_000, 0.25))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"use \.aac \.flac"):
        SoundFile(tmp_path / "a.txt", 24_000)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot write"):
        SoundFile(tmp_path / "none" / "a.wav", 24_000)
