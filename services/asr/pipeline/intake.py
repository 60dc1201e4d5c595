"""From the client's bytes to samples at 16 kHz, as its ``config`` says."""

from services.asr.engines.base import SAMPLE_RATE, Samples
from shared.audio.pcm import Encoding, PcmDecoder
from shared.audio.resample import Resampler
from shared.errors import InvalidRequest
from shared.protocol.asr import Config

_FIXED = ("sample_rate", "encoding", "channels", "model")
"""Fields that cannot change once audio has come."""


class Intake:
    """The format of one stream. Without a config it is s16le, mono, 16 kHz."""

    def __init__(self) -> None:
        self.config = Config()
        self._heard = False
        self._prepare()

    def configure(self, message: Config) -> Config:
        """Take a config; fields that it does not mention keep their value.

        Returns:
            The config now in force.

        Raises:
            InvalidRequest: it changes what cannot change mid-stream; nothing is changed.
        """
        config = self.config.changed(message)
        for name in _FIXED if self._heard else ():
            if getattr(config, name) != getattr(self.config, name):
                raise InvalidRequest(f"`{name}` cannot change after audio was sent", param=name)
        self.config = config
        if not self._heard:
            self._prepare()
        return config

    def feed(self, data: bytes) -> Samples:
        """Decode a binary frame of any length.

        Raises:
            InvalidRequest: float samples that are NaN or infinite; the frame is dropped.
        """
        self._heard = True
        return self._resampler.feed(self._decoder.feed(data))

    def flush(self) -> Samples:
        """What the resampler still holds back, at the end of the stream."""
        return self._resampler.flush()

    def _prepare(self) -> None:
        self._decoder = PcmDecoder(Encoding(self.config.encoding), self.config.channels)
        self._resampler = Resampler(self.config.sample_rate, SAMPLE_RATE)
