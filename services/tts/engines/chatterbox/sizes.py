"""How much of a device is used."""

from dataclasses import dataclass

import torch

_REQUESTS = {"cuda": 32, "cpu": 4}
_VOCODED = {"cuda": 32, "cpu": 4}
_PREFILL = {"cuda": 2048, "cpu": 64}
"""Prompt tokens taken beside a step: on CUDA the texts of 32 newcomers at once, so that their
first chunks share a batch, too."""
_PREFIX_BYTES = {"cuda": 5 << 29, "cpu": 1 << 30}
"""For the prompts of voices: 64 of turbo's, 39 MB each, on CUDA."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a device is given.

    Attributes:
        requests: that it speaks at once.
        vocode: streams in one batch of the vocoder.
        voices: kept on the device.
        prefill: prompt tokens taken beside a step of decoding.
        length: longest prompt and speech of a row, in tokens.
        prefix_bytes: memory for the prompts of voices.
    """

    requests: int
    vocode: int
    voices: int = 64
    prefill: int = 64
    length: int = 1600
    prefix_bytes: int = 1 << 30


def sizes_of(device: torch.device, requests: int = 0, voices: int = 64) -> Sizes:
    """How much of a device is used.

    Args:
        device: what it is on.
        requests: spoken at once; 0: what suits it.
        voices: kept at once.
    """
    requests = requests or _REQUESTS[device.type]
    return Sizes(
        requests=requests,
        vocode=min(requests, _VOCODED[device.type]),
        voices=voices,
        prefill=_PREFILL[device.type],
        prefix_bytes=_PREFIX_BYTES[device.type],
    )
