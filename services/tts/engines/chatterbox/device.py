"""The use of a device: as the thread's own, its fullness told as ours, its tables respected.

What is known on the CPU goes to a device with :func:`sent`. Otherwise torch lets the program
wait, at each ``torch.tensor(…, device=…)``, until all that the device has in hand is done.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from shared.errors import OutOfMemory

CAPTURING = threading.Lock()
"""Held while a graph is captured, and while memory is given back: torch fails where one
thread does the one and another the other, be it on another device."""


@contextmanager
def on_device(device: torch.device) -> Iterator[None]:
    """The device as the thread's own.

    Raises:
        OutOfMemory: it is full, whichever way torch says so.
    """
    try:
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            yield
    except torch.OutOfMemoryError as error:
        with CAPTURING:
            torch.cuda.empty_cache()
        raise OutOfMemory(f"{device} is out of memory") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise OutOfMemory(f"{device} is out of memory") from error


def sent(values: Any, device: torch.device, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Numbers, or a tensor of the CPU, on a device; nobody waits until they are there.

    They go from pinned memory, which torch keeps for later ones once they have gone.
    """
    known = torch.as_tensor(values, dtype=dtype)
    if device.type == "cpu" or known.device.type != "cpu":
        return known.to(device)
    return known.pin_memory().to(device, non_blocking=True)


def check_range(tokens: torch.Tensor, known: int) -> None:
    """See that a table of ``known`` rows has all tokens.

    A CPU says so by itself. On a GPU a look beyond a table ends the whole process's use of
    it, every neighbour's with it.

    Raises:
        ValueError: it has not.
    """
    if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < known:
        raise ValueError(f"there are tokens outside of the {known} that the model knows")
