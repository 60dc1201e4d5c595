"""Noise that a request gets again however its audio is cut into chunks.

Flow and vocoder both start from noise. Drawn chunk by chunk it would depend on where the
chunks end and on who shares the batch. Instead there is one long strip of it per device,
and each request reads on from a place that its seed names.
"""

import random

import torch

_STRIP = 1 << 21
_STRIDE = 104_729
"""Distance between the harmonics' places on the strip; prime, so that they meet nowhere."""
MELS = 80


class NoiseStrip:
    """Standard normal values, the same on every device."""

    def __init__(self, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(0)
        self._values = torch.randn(_STRIP, generator=generator).to(device)

    def place(self, seed: int) -> int:
        """Where a request starts to read."""
        return random.Random(seed).randrange(_STRIP)  # noqa: S311 - no secret

    def mels(self, place: int, first: int, count: int) -> torch.Tensor:
        """Noise [80, count] for mel frames; frames before the speech have negative numbers."""
        at = torch.arange(first * MELS, (first + count) * MELS, device=self._values.device)
        return self._values[(at + place) % _STRIP].view(count, MELS).T

    def source(self, place: int, first: int, count: int, harmonics: int) -> torch.Tensor:
        """Noise [harmonics, count] for samples."""
        at = torch.arange(first, first + count, device=self._values.device)
        starts = torch.arange(harmonics, device=self._values.device) * _STRIDE
        return self._values[(at + place + starts[:, None]) % _STRIP]

    def phases(self, place: int, harmonics: int) -> torch.Tensor:
        """A phase [harmonics] in (-pi, pi) for each harmonic; the fundamental's is 0."""
        drawn = self._values[(torch.arange(harmonics, device=self._values.device) + place) % _STRIP]
        phases = torch.erf(drawn / 2**0.5) * torch.pi  # of a normal value: uniform
        phases[:1].zero_()  # an assignment would wait for the device
        return phases
