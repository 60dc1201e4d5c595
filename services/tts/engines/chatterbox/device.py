"""The use of a device: as the thread's own, its fullness told as ours, its tables respected."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

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


def check_range(tokens: torch.Tensor, known: int) -> None:
    """See that a table of ``known`` rows has all tokens.

    A CPU says so by itself. On a GPU a look beyond a table ends the whole process's use of
    it, every neighbour's with it.

    Raises:
        ValueError: it has not.
    """
    if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < known:
        raise ValueError(f"there are tokens outside of the {known} that the model knows")
