"""The speech detector, against faster-whisper's own use of the same file."""

import numpy as np
from faster_whisper.vad import get_vad_model

from services.asr.engines.base import FRAME, Samples
from services.asr.engines.silero import SileroModel
from tests.audio.recordings import load, needs_recordings


def probabilities(audio: Samples, model: SileroModel) -> list[float]:
    stream = model.open()
    return [stream.probability(frame) for frame in audio.reshape(-1, FRAME)]


def test_frame_by_frame_gives_what_the_whole_gives() -> None:
    rng = np.random.default_rng(1)
    audio = (rng.standard_normal(40 * FRAME) * np.hanning(40 * FRAME) * 0.3).astype(np.float32)

    ours = probabilities(audio, SileroModel())
    theirs = get_vad_model()(audio)

    # Theirs gives the last frame's context to the first one; the state forgets it soon.
    assert np.allclose(ours[10:], theirs[10:], atol=1e-3)


def test_silence_is_no_speech() -> None:
    assert max(probabilities(np.zeros(50 * FRAME, np.float32), SileroModel())) < 0.1


def test_streams_of_one_model_do_not_mix() -> None:
    model = SileroModel()
    audio = np.random.default_rng(2).normal(0, 0.2, 20 * FRAME).astype(np.float32)
    alone = probabilities(audio, model)

    one, other = model.open(), model.open()
    mixed = []
    for frame in audio.reshape(-1, FRAME):
        mixed.append(one.probability(frame))
        other.probability(-frame[::-1])

    assert mixed == alone


def test_reset_forgets_the_stream() -> None:
    model = SileroModel()
    audio = np.random.default_rng(3).normal(0, 0.2, 10 * FRAME).astype(np.float32)
    stream = model.open()
    first = [stream.probability(frame) for frame in audio.reshape(-1, FRAME)]

    stream.reset()

    assert [stream.probability(frame) for frame in audio.reshape(-1, FRAME)] == first


@needs_recordings
def test_speech_is_speech() -> None:
    audio = load("misc/jfk.flac")
    audio = audio[: len(audio) // FRAME * FRAME]

    found = np.array(probabilities(audio, SileroModel()))

    assert 0.5 < (found > 0.5).mean() < 1
