"""Sounds and sound files that tests make for themselves, with real codecs."""

from io import BytesIO

import av
import numpy as np
from av.audio.stream import AudioStream

from shared.audio.encode import Format
from shared.audio.pcm import Encoding, Samples, decode, to_levels

# name: (container, codec, sample format)
KINDS = {
    "wav": ("wav", "pcm_s16le", "s16"),
    "flac": ("flac", "flac", "s16"),
    "mp3": ("mp3", "libmp3lame", "fltp"),
    "ogg": ("ogg", "libopus", "s16"),
    "webm": ("webm", "libopus", "s16"),
    "m4a": ("ipod", "aac", "fltp"),
    "mp4": ("mp4", "aac", "fltp"),
    "aac": ("adts", "aac", "fltp"),
}

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def tone(rate: int, seconds: float, hertz: float = 440.0) -> Samples:
    """A sine at half of full scale, float32 [rate * seconds]."""
    time = np.arange(int(rate * seconds)) / rate
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * time), np.float32)


def pitch(samples: Samples, rate: int) -> float:
    """Hertz of the loudest partial."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def level(samples: Samples) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(samples))))


def decoded(wanted: Format, data: bytes) -> tuple[Samples, int]:
    """What a player can make of a prefix, and its rate."""
    if wanted is Format.PCM:
        return decode(data, Encoding.S16LE), 24_000
    try:
        with av.open(BytesIO(data), "r") as container:
            rate = container.streams.audio[0].rate
            frames = list(container.decode(audio=0))
    except av.error.FFmpegError:
        return np.zeros(0, np.float32), 24_000
    converter = av.AudioResampler(format="fltp", layout="mono")
    parts = [out.to_ndarray()[0] for frame in frames for out in converter.resample(frame)]
    return np.concatenate([np.zeros(0, np.float32), *parts]), rate


def sound_file(
    kind: str, samples: Samples, rate: int = 24_000, *, channels: int = 1, video: bool = False
) -> bytes:
    """A file of one of ``KINDS``; every channel holds the same samples."""
    container_name, codec, sample_format = KINDS[kind]
    buffer = BytesIO()
    with av.open(buffer, "w", format=container_name) as container:
        layout = _LAYOUTS[channels]
        picture = container.add_stream("mpeg4", rate=10) if video else None
        sound = container.add_stream(codec, rate=rate, layout=layout, format=sample_format)
        assert isinstance(sound, AudioStream)
        if isinstance(picture, av.VideoStream):
            picture.width = picture.height = 64
            image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            for _ in range(10):
                container.mux(list(picture.encode(image)))
            container.mux(list(picture.encode(None)))
        frame = _frame(samples, rate, sample_format, layout, channels)
        container.mux(list(sound.encode(frame)))
        container.mux(list(sound.encode(None)))
    return buffer.getvalue()


def _frame(
    samples: Samples, rate: int, sample_format: str, layout: str, channels: int
) -> av.AudioFrame:
    rows = np.repeat(samples, channels)[None, :]
    packed = sample_format.removesuffix("p")
    whole = packed == "s16"
    frame = av.AudioFrame.from_ndarray(
        to_levels(rows) if whole else rows, format=packed, layout=layout
    )
    frame.sample_rate = rate
    frame.pts = 0
    [converted] = av.AudioResampler(format=sample_format).resample(frame)
    return converted
