"""Encoders: decodable from the first piece on, and whole at the end."""

import numpy as np
import pytest

from shared.audio.encode import Format, encoder
from tests.audio.sounds import decoded, level, pitch, tone

FILES = [wanted for wanted in Format if wanted is not Format.PCM]
HEARD_AFTER_MS = {
    Format.PCM: 20,
    Format.WAV: 20,
    Format.FLAC: 40,
    Format.OPUS: 40,
    Format.AAC: 60,
    Format.MP3: 80,
}
"""Milliseconds of sound that must be fed before some can be decoded: the codecs' nature."""
SLACK_S = 0.15
"""Priming and padding that a codec may add at the ends."""


@pytest.mark.parametrize("wanted", Format)
def test_the_first_bytes_can_be_decoded(wanted: Format) -> None:
    sound = tone(24_000, 1.0)
    making = encoder(wanted, 24_000)
    data = b""
    for start in range(0, len(sound), 480):
        data += making.feed(sound[start : start + 480])
        if len(decoded(wanted, data)[0]):
            break
    assert (start + 480) / 24 <= HEARD_AFTER_MS[wanted]


@pytest.mark.parametrize("wanted", Format)
def test_bytes_keep_up_with_the_sound(wanted: Format) -> None:
    making = encoder(wanted, 24_000)
    data = b""
    for number in range(1, 11):
        data += making.feed(tone(24_000, 0.2))
        sound, rate = decoded(wanted, data)
        assert len(sound) / rate >= number * 0.2 - 0.1


@pytest.mark.parametrize("wanted", Format)
@pytest.mark.parametrize("rate", [24_000, 22_050, 16_000])
def test_the_whole_sound_survives(wanted: Format, rate: int) -> None:
    making = encoder(wanted, rate)
    sound = tone(rate, 2.0)
    pieces = [making.feed(sound[at : at + 777]) for at in range(0, len(sound), 777)]
    heard, heard_rate = decoded(wanted, b"".join(pieces) + making.finish())
    if wanted is Format.PCM:
        heard_rate = rate
    assert 2.0 - 0.001 <= len(heard) / heard_rate <= 2.0 + SLACK_S
    middle = heard[heard_rate // 4 : -heard_rate // 2]
    assert pitch(middle, heard_rate) == pytest.approx(440, abs=2)
    assert level(middle) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("wanted", [Format.PCM, Format.WAV, Format.FLAC])
def test_lossless_formats_lose_nothing(wanted: Format) -> None:
    sound = tone(24_000, 0.5)
    making = encoder(wanted, 24_000)
    heard, _ = decoded(wanted, making.feed(sound) + making.finish())
    np.testing.assert_allclose(heard, sound, atol=1 / 32768)


@pytest.mark.parametrize("wanted", Format)
def test_an_empty_stream_ends_without_error(wanted: Format) -> None:
    making = encoder(wanted, 24_000)
    assert making.feed(np.zeros(0, np.float32)) in (b"", making.feed(np.zeros(0, np.float32))) or (
        wanted is Format.WAV
    )
    assert len(decoded(wanted, making.finish())[0]) == 0


@pytest.mark.parametrize("wanted", Format)
def test_loud_and_broken_samples_do_no_harm(wanted: Format) -> None:
    making = encoder(wanted, 24_000)
    wild = np.full(4_800, 9.0, np.float32)
    wild[::7] = np.nan
    heard, _ = decoded(wanted, making.feed(wild) + making.feed(tone(24_000, 0.3)) + making.finish())
    assert np.isfinite(heard).all()


@pytest.mark.parametrize("wanted", FILES)
def test_media_types_are_audio(wanted: Format) -> None:
    assert wanted.media_type.startswith("audio/")
