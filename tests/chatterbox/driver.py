"""``torch.cuda`` without a driver: current devices, streams, and graphs that can be replayed.

A :class:`Graph` keeps what was done on a device while it was captured, with the tensors as
they were then, as CUDA does: results hold nothing until it is replayed, and what the program
would have to wait for is refused.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch.utils._pytree import tree_leaves

_MakeGenerator = torch.Generator


class _Thread(threading.local):
    device = 0
    graph: "Graph | None" = None


_THREAD = _Thread()


class Stream:
    """A queue of a device."""

    def __init__(self, device: torch.device) -> None:
        self.device = torch.device(device)

    def wait_stream(self, other: "Stream") -> None:
        assert other.device == self.device


class Graph:
    """What was done between the beginning and the end of a capture."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, Any, Any, Any]] = []

    def note(self, func: Any, args: Any, kwargs: Any, made: Any) -> None:
        """An operation on values, and what it made."""
        self._done.append((func, args, kwargs, made))

    def end(self) -> None:
        """Nothing was computed."""
        for one in self._fresh():
            if one.is_floating_point():
                one.fill_(float("nan"))

    def pool(self) -> tuple[int, int]:
        return (0, 1)

    def replay(self) -> None:
        """Do it again, into the same tensors."""
        for func, args, kwargs, made in self._done:
            again = func(*args, **kwargs)
            if not _within(func):
                for one, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                    one.copy_(new)

    def _fresh(self) -> Iterator[torch.Tensor]:
        for func, _, _, made in self._done:
            if not _within(func):
                yield from (one for one in tree_leaves(made) if isinstance(one, torch.Tensor))


def _within(func: Any) -> bool:
    """Whether an operation's result is its argument, or a view of it."""
    return any(one.alias_info is not None for one in func._schema.returns)


class Generators:
    """Generators of the CPU that are known to be of a device."""

    _made: ClassVar[dict[int, tuple[torch.Generator, torch.device]]] = {}

    @classmethod
    def make(cls, device: Any = "cpu") -> torch.Generator:
        made = _MakeGenerator()
        cls._made[made._cdata] = made, torch.device(device)
        return made

    @classmethod
    def place(cls, generator: torch.Generator) -> torch.device:
        """Whose it is."""
        return cls._made[generator._cdata][1]


def current() -> torch.device:
    """The thread's own device."""
    return torch.device("cuda", _THREAD.device)


def capturing() -> Graph | None:
    """The graph that the thread is capturing."""
    return _THREAD.graph


@contextmanager
def _device(device: torch.device) -> Iterator[None]:
    before, _THREAD.device = _THREAD.device, torch.device(device).index or 0
    try:
        yield
    finally:
        _THREAD.device = before


@contextmanager
def _stream(stream: Stream) -> Iterator[None]:
    assert stream.device == current()
    yield


@contextmanager
def _graph(graph: Graph, pool: object, stream: Stream, capture_error_mode: str) -> Iterator[None]:
    assert stream.device == current()
    assert capture_error_mode == "thread_local", "voices are listened to on another thread"
    _THREAD.graph = graph
    try:
        yield
    finally:
        _THREAD.graph = None
    graph.end()


def _guards() -> None:
    """Let torch's C++ change the current device where no driver is: it changes nothing."""
    if hasattr(torch._C, "_ensureCUDADeviceGuardSet"):
        torch._C._ensureCUDADeviceGuardSet()
        return
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    table = (ctypes.c_void_p * 2).in_dll(library, "_ZN3c104impl26device_guard_impl_registryE")
    table[1] = table[0]


def install(patch: pytest.MonkeyPatch, count: int) -> None:
    """Let torch find ``count`` devices."""
    _guards()
    patch.setattr(torch.cuda, "_lazy_init", lambda: None)
    patch.setattr(torch.cuda, "device_count", lambda: count)
    patch.setattr(torch.cuda, "device", _device)
    patch.setattr(torch.cuda, "stream", _stream)
    patch.setattr(torch.cuda, "graph", _graph)
    patch.setattr(torch.cuda, "Stream", Stream)
    patch.setattr(torch.cuda, "CUDAGraph", Graph)
    patch.setattr(torch.cuda, "current_stream", Stream)
    patch.setattr(torch, "Generator", Generators.make)
