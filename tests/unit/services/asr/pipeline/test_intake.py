"""From bytes to samples at 16 kHz; what may change in mid-stream and what not."""

import numpy as np
import pytest

from services.asr.pipeline.intake import Intake
from shared.audio.pcm import Encoding, encode
from shared.errors import InvalidRequest
from shared.protocol.asr import Config, Environment, VadOverrides
from tests.audio.sounds import pitch, tone


def test_without_a_config_it_is_16_bit_mono_at_16_khz() -> None:
    heard = Intake().feed(encode(tone(16_000, 0.5), Encoding.S16LE))

    assert np.allclose(heard, tone(16_000, 0.5), atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("encoding", list(Encoding))
def test_every_rate_becomes_16_khz(rate: int, encoding: Encoding) -> None:
    intake = Intake()
    intake.configure(Config(sample_rate=rate, encoding=encoding.value, channels=2))
    data = encode(np.repeat(tone(rate, 1.0), 2), encoding)

    pieces = [intake.feed(data[at : at + 333]) for at in range(0, len(data), 333)]
    heard = np.concatenate([*pieces, intake.flush()])

    assert len(heard) == 16_000
    assert pitch(heard, 16_000) == pytest.approx(440, abs=1)


def test_a_config_keeps_what_it_does_not_mention() -> None:
    intake = Intake()
    intake.configure(Config(language="en", environment=Environment.NOISY))

    config = intake.configure(Config(language="de"))

    assert (config.language, config.environment) == ("de", Environment.NOISY)


def test_one_override_leaves_the_others() -> None:
    """Push-to-talk stays push-to-talk when only the padding changes."""
    intake = Intake()
    intake.configure(Config(vad=VadOverrides(enabled=False, silence_ms=700)))

    config = intake.configure(Config(vad=VadOverrides(prefix_padding_ms=50, silence_ms=None)))

    assert config.vad == VadOverrides(enabled=False, prefix_padding_ms=50)


@pytest.mark.parametrize(
    "change",
    [
        Config(sample_rate=8_000),
        Config(encoding="mulaw"),
        Config(channels=2),
        Config(model="large-v3"),
    ],
)
def test_the_format_cannot_change_after_audio(change: Config) -> None:
    intake = Intake()
    intake.feed(b"")

    with pytest.raises(InvalidRequest, match="cannot change") as refused:
        intake.configure(change)

    assert refused.value.param in change.model_fields_set
    assert intake.config == Config()


def test_naming_the_same_format_again_is_no_change() -> None:
    intake = Intake()
    intake.feed(b"\0\0")

    assert intake.configure(Config(sample_rate=16_000, partials=False)).partials is False
