"""Uploads: every format, and everything that is none."""

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Never

import av
import numpy as np
import pytest

from shared.audio import decode, wav
from shared.audio.decode import AudioFile, read
from shared.audio.encode import Format, encoder
from shared.audio.pcm import Encoding, encode
from shared.errors import InvalidRequest, TooLarge
from tests.audio.hostile_files import PLAYLISTS, with_external_reference
from tests.audio.sounds import KINDS, level, pitch, sound_file, tone

HOUR = 3_600.0


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Every path that this process opened during the test."""
    paths: list[str] = []
    watching = True

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching and event in ("open", "socket.connect", "socket.getaddrinfo"):
            paths.append(str(args[0]))

    sys.addaudithook(hook)
    yield paths
    watching = False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rate", "channels"), [(24_000, 1), (48_000, 2)])
def test_every_format_comes_out_at_16_khz_mono(kind: str, rate: int, channels: int) -> None:
    data = sound_file(kind, tone(rate, 2.5), rate, channels=channels)
    with AudioFile(BytesIO(data), max_seconds=HOUR) as audio:
        blocks = list(audio.blocks())
        assert audio.source.channels == channels
        assert audio.source.sample_rate == (48_000 if kind in ("ogg", "webm") else rate)
        assert not audio.damaged
        assert audio.seconds == pytest.approx(2.5, abs=0.1)
    assert {len(block) for block in blocks[:-1]} == {16_000}
    sound = np.concatenate(blocks)
    assert pitch(sound[4_000:36_000], 16_000) == pytest.approx(440, abs=1)
    assert level(sound[4_000:36_000]) == pytest.approx(0.5 / np.sqrt(2), rel=0.06)


def test_the_sound_of_a_video_is_used() -> None:
    data = sound_file("mp4", tone(24_000, 1), video=True)
    sound = read(BytesIO(data), max_seconds=HOUR, sample_rate=16_000)
    assert pitch(sound, 16_000) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("known", [True, False])
def test_wav_of_every_encoding(encoding: Encoding, known: bool) -> None:
    data = encode(tone(16_000, 1), encoding)
    head = wav.header(16_000, encoding=encoding, data_bytes=len(data) if known else None)
    sound = read(BytesIO(head + data), max_seconds=HOUR, sample_rate=16_000)
    np.testing.assert_allclose(sound[200:-200], tone(16_000, 1)[200:-200], atol=0.03)
    assert len(sound) == 16_000


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 20])
def test_channels_are_averaged_however_many(channels: int) -> None:
    rows = np.tile(tone(48_000, 0.5)[:, None], (1, channels)).reshape(-1)
    data = encode(rows, Encoding.S16LE)
    head = wav.header(48_000, channels=channels, data_bytes=len(data))
    sound = read(BytesIO(head + data), max_seconds=HOUR, sample_rate=16_000)
    assert level(sound[1_000:-1_000]) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("kind", ["flac", "ogg", "webm", "m4a", "aac"])
@pytest.mark.parametrize("channels", [6, 8])
def test_cinema_sound_is_averaged_too(kind: str, channels: int) -> None:
    data = sound_file(kind, tone(48_000, 1.0), 48_000, channels=channels)
    sound = read(BytesIO(data), max_seconds=HOUR, sample_rate=16_000)
    assert pitch(sound[2_000:-2_000], 16_000) == pytest.approx(440, abs=2)


def test_the_position_of_the_file_does_not_matter() -> None:
    file = BytesIO(sound_file("wav", tone(24_000, 1)))
    file.seek(77)
    assert len(read(file, max_seconds=HOUR, sample_rate=24_000)) == 24_000
    assert not file.closed


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"hello, this is text named .wav\n" * 100, bytes(10_000)],
    ids=["empty", "four bytes", "text", "zeros"],
)
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"empty|not a sound file") as caught:
        AudioFile(BytesIO(data), max_seconds=HOUR)
    assert caught.value.param == "file"


def test_noise_is_refused() -> None:
    data = np.random.default_rng(1).bytes(200_000)
    with pytest.raises(InvalidRequest):
        read(BytesIO(data), max_seconds=HOUR, sample_rate=16_000)


def test_a_header_without_sound_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no sound"):
        read(BytesIO(wav.header(16_000, data_bytes=0)), max_seconds=HOUR, sample_rate=16_000)


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg", "webm", "flac", "aac"])
def test_a_truncated_file_gives_what_it_holds(kind: str) -> None:
    data = sound_file(kind, tone(24_000, 4))
    with AudioFile(BytesIO(data[: len(data) // 2]), max_seconds=HOUR) as audio:
        sound = np.concatenate(list(audio.blocks()))
        assert audio.damaged == (kind in ("flac", "webm", "aac"))
    assert 1.0 < len(sound) / 16_000 < 3.0
    assert pitch(sound[2_000:-2_000], 16_000) == pytest.approx(440, abs=2)


def test_a_truncated_m4a_without_its_index_is_refused() -> None:
    data = sound_file("m4a", tone(24_000, 4))
    with pytest.raises(InvalidRequest, match="not a sound file"):
        AudioFile(BytesIO(data[: len(data) // 2]), max_seconds=HOUR)


def test_broken_frames_are_skipped() -> None:
    data = bytearray(sound_file("flac", tone(24_000, 4)))
    quarter = len(data) // 4
    data[quarter : 2 * quarter] = bytes(quarter)
    with AudioFile(BytesIO(bytes(data)), max_seconds=HOUR) as audio:
        assert 2 * 16_000 < sum(map(len, audio.blocks())) < 3.5 * 16_000
        assert audio.damaged


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("scheme", ["", "file://", "http://127.0.0.1:9"])
def test_playlists_lead_nowhere(kind: str, scheme: str, tmp_path: Path, opened: list[str]) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(sound_file("wav", tone(24_000, 1)))
    data = PLAYLISTS[kind] % f"{scheme}{secret}".encode()
    opened.clear()
    with pytest.raises(InvalidRequest):
        AudioFile(BytesIO(data), max_seconds=HOUR)
    assert opened == []


def test_a_reference_inside_a_container_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(sound_file("mp4", tone(24_000, 1)))
    data = with_external_reference(secret.read_bytes(), str(secret))
    asked: list[str] = []

    def refuse(url: str, _flags: int, _options: object) -> Never:
        asked.append(url)
        raise PermissionError(url)

    credulous = {"enable_drefs": "1", "use_absolute_path": "1"}
    with pytest.raises(PermissionError):
        av.open(BytesIO(data), "r", options=credulous, io_open=refuse)
    assert asked == [str(secret)]  # the reference is one that FFmpeg can follow
    asked.clear()
    monkeypatch.setattr(decode, "_refuse_to_follow", refuse)
    with pytest.raises(InvalidRequest):
        read(BytesIO(data), max_seconds=HOUR, sample_rate=16_000)
    assert asked == []


@pytest.mark.parametrize("rate", [1, 100, 3_999, 384_001])
def test_absurd_rates_are_refused(rate: int) -> None:
    data = wav.header(rate, data_bytes=8_000) + bytes(8_000)
    with pytest.raises(InvalidRequest, match="sample rate"):
        read(BytesIO(data), max_seconds=HOUR, sample_rate=16_000)


def test_floats_that_are_no_numbers_are_refused() -> None:
    samples = np.full(8_000, np.nan, "<f4").tobytes()
    head = wav.header(16_000, encoding=Encoding.F32LE, data_bytes=len(samples))
    with pytest.raises(InvalidRequest, match="no numbers"):
        read(BytesIO(head + samples), max_seconds=HOUR, sample_rate=16_000)


def test_too_long_a_sound_is_refused_while_it_is_decoded() -> None:
    data = sound_file("flac", np.zeros(24_000 * 20, np.float32))
    with AudioFile(BytesIO(data), max_seconds=5) as audio:
        with pytest.raises(TooLarge, match="5 seconds"):
            list(audio.blocks())
        assert audio.seconds < 7


def test_an_hour_of_silence_needs_little_memory(tmp_path: Path) -> None:
    silence = encoder(Format.FLAC, 8_000)
    minute = np.zeros(60 * 8_000, np.float32)
    path = tmp_path / "silence.flac"
    path.write_bytes(b"".join(silence.feed(minute) for _ in range(60)) + silence.finish())
    script = (
        "import resource, sys\n"
        "from shared.audio.decode import AudioFile\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "audio = AudioFile(open(sys.argv[1], 'rb'), max_seconds=4000)\n"
        "for block in audio.blocks(): assert not block.any()\n"
        "print(round(audio.seconds), (peak() - before) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    seconds, grown_mib = map(int, done.stdout.split())
    assert seconds == pytest.approx(3_600, abs=1)
    assert grown_mib < 100
