"""Perth's inaudible mark, which says of a sound that a machine spoke it.

It is put on the vocoder's whole window, context and held frames among it, before the
window is cut and joined: so each sample is marked with what lies around it in view, and
the joints are cross-faded after the mark.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torchaudio.functional import resample

from shared.errors import EngineUnavailable

_RATE = 24_000
_FILTER_WIDTH = 64
"""Zero crossings of the resampling filter: flat up to the last tenth of the band."""


class Watermark:
    """Puts the mark on a batch of sounds.

    Raises:
        EngineUnavailable: the ``perth`` package cannot load its network here.
    """

    def __init__(self, device: torch.device) -> None:
        import perth  # noqa: PLC0415 - loads a network

        if perth.PerthImplicitWatermarker is None:
            raise EngineUnavailable("Perth did not load; it needs setuptools below 81")
        with contextlib.redirect_stdout(io.StringIO()):
            self._net: Any = perth.PerthImplicitWatermarker(device=device).perth_net.eval()
        self._rate = int(self._net.hp.sample_rate)

    def __call__(self, sounds: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Marked copies of float32 [samples] sounds, each as long as it was.

        Under inference mode, whoever calls: outside of it each call would keep its graph.
        """
        with torch.inference_mode():
            together = pad_sequence(list(sounds), batch_first=True)
            wide = resample(together, _RATE, self._rate, lowpass_filter_width=_FILTER_WIDTH)
            size, phase = self._net.ap.signal_to_magphase(wide)
            marked, _ = self._net.encoder(size)
            wide = self._net.ap.magphase_to_signal(marked, phase)
            narrow = resample(wide, self._rate, _RATE, lowpass_filter_width=_FILTER_WIDTH)
        rows = zip(narrow, sounds, strict=True)
        return [_as_long(row[: sound.shape[0]], sound) for row, sound in rows]


def _as_long(marked: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
    """The transform drops what does not fill a hop; the sound's own end stands in."""
    return torch.cat((marked, sound[marked.shape[0] :]))
