"""WAV headers, read back by the standard library and by FFmpeg."""

import wave
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from shared.audio.pcm import Encoding, encode
from shared.audio.wav import HEADER_BYTES, UNKNOWN, WavFile, header, whole

TONE = (0.5 * np.sin(np.arange(2_400) / 10)).astype(np.float32)


def test_a_file_has_true_sizes(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with WavFile(path, 24_000) as file:
        file.write(TONE[:1_000])
        file.write(TONE[1_000:])
        assert file.seconds == pytest.approx(0.1)
    with wave.open(str(path)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (
            24_000,
            1,
            2,
        )
        assert reader.getnframes() == 2_400
        assert reader.readframes(2_400) == encode(TONE, Encoding.S16LE)
    assert path.stat().st_size == HEADER_BYTES + 4_800


def test_odd_bytes_are_padded(tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    with WavFile(path, 8_000, Encoding.MULAW) as file:
        file.write(TONE[:3])
    assert path.stat().st_size == HEADER_BYTES + 4
    assert path.read_bytes()[40:44] == (3).to_bytes(4, "little")


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "empty.wav", 8_000)
    file.close()
    file.close()


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("known", [True, False])
def test_ffmpeg_reads_it(encoding: Encoding, known: bool) -> None:
    data = encode(TONE, encoding)
    head = header(24_000, encoding=encoding, data_bytes=len(data) if known else None)
    assert len(head) == HEADER_BYTES
    with av.open(BytesIO(head + data), "r") as container:
        assert container.streams.audio[0].rate == 24_000
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples == len(TONE)


def test_sizes_beyond_the_format_are_called_unknown() -> None:
    assert header(16_000, data_bytes=2**33)[40:44] == UNKNOWN.to_bytes(4, "little")


def test_a_whole_file_is_read_by_others() -> None:
    with wave.open(BytesIO(whole(np.zeros(800, np.float32), 16_000))) as file:
        assert (file.getframerate(), file.getnframes(), file.getsampwidth()) == (16_000, 800, 2)
