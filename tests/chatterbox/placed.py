"""Tensors that say they are on a CUDA device, where there is none.

A :class:`Placed` tensor has its values on the CPU and the name of a device. Each operation
on it is done twice: by torch's ``FakeTensorMode``, which knows what a device refuses (tensors
of two devices, of two precisions) and where and in which precision the result is, and on the
values, so that the code under test goes its way. What makes a program wait for a device, and
what it sends there, is counted with the line that asked for it.

What a kernel computes, and whether it runs, no double can say.
"""

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from tests.chatterbox import driver, kernels

aten = torch.ops.aten
_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
_UNKNOWN = (
    aten.batch_norm.default,
    aten.lstm.input,
    aten._fft_r2c.default,
    aten._fft_c2r.default,
    aten._fft_c2c.default,
)
"""Operations of which torch cannot say without a device how they lay out their results."""
_CODE = "/services/tts/"


@dataclass
class Traffic:
    """What went between the CPU and the devices.

    Attributes:
        waits: for all that a device has in hand: reading a value, or sending from memory
            that is not pinned; by kind and line of code.
        sent: from pinned memory, for which nobody waits.
        attended: fused attention, by what torch would take for it.
        places: on which something was made, with the thread's own device then.
    """

    waits: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    attended: Counter[kernels.Attended] = field(default_factory=Counter)
    places: Counter[tuple[str, str]] = field(default_factory=Counter)

    def wait(self, why: str) -> None:
        """The program waits for a device."""
        if driver.capturing() is not None:
            raise RuntimeError(f"operation not permitted when stream is capturing: {why}")
        self.waits[why] += 1

    def clear(self) -> None:
        """Count from here on."""
        for counted in (self.waits, self.sent, self.attended, self.places):
            counted.clear()


class Placed(torch.Tensor):  # type: ignore[misc]
    """A tensor with its values on the CPU and the name of a device."""

    values: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, values: torch.Tensor, device: torch.device) -> "Placed":
        with torch.inference_mode(mode=False):  # of which tensors views can be told apart
            made: Placed = torch.Tensor._make_wrapper_subclass(
                cls,
                values.shape,
                strides=values.stride(),
                storage_offset=values.storage_offset(),
                dtype=values.dtype,
                device=device,
            )
        made.values = values
        return made

    def __repr__(self) -> str:
        return f"Placed({tuple(self.shape)}, {self.dtype}, {self.device})"

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def new(self, *size: int) -> torch.Tensor:
        """Torch's looks at the current device, which here nobody changes."""
        return self.new_empty(size)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} on a thread without devices")


class Devices(TorchDispatchMode):  # type: ignore[misc]
    """Devices that are not there, while it is entered."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self.traffic = traffic
        self._fake = FakeTensorMode()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        leaves = tree_leaves((args, kwargs))
        tensors = [one for one in leaves if isinstance(one, torch.Tensor)]
        here = not any(isinstance(one, torch.device) and one.type == "cuda" for one in leaves)
        if func in (aten.is_pinned.default, aten.pin_memory.default, aten._pin_memory.default):
            return self._pinned(func, args[0])
        if here and not any(isinstance(one, Placed) for one in tensors):
            return func(*args, **kwargs)
        if func is aten.scaled_dot_product_attention.default:
            return self._attend(*args, **kwargs)
        if func in _UNKNOWN:
            kernels.same_place(tensors)
            return self._told(_placed(self._compute(func, args, kwargs), tensors[0].device))
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), _COMPOSITE):
            with self:
                return func._op_dk(_COMPOSITE, *args, **kwargs)
        return self._run(func, args, kwargs)

    def _pinned(self, func: Any, tensor: torch.Tensor) -> Any:
        if func is aten.is_pinned.default:
            return getattr(tensor, "pinned", False)
        assert not isinstance(tensor, Placed), "only memory of the CPU can be pinned"
        copy = tensor.clone()
        copy.pinned = True
        return copy

    def _run(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if func is aten._local_scalar_dense.default:
            self.traffic.wait(f"read {_line()}")
            return func(args[0].values)
        self._count(func, args, kwargs)
        if (generator := kwargs.get("generator")) is not None:
            assert driver.Generators.place(generator) == args[0].device
        known, named = tree_map(self._faked, (tuple(args), kwargs | {"generator": None}))
        named = {name: value for name, value in named.items() if name in kwargs}
        try:
            with self._fake:
                expected = func(*known, **named)
        except (DynamicOutputShapeException, DataDependentOutputException):
            self.traffic.wait(f"read {_line()}")
            expected = None
        made = self._compute(func, args, kwargs)
        if torch.Tag.inplace_view in func.tags:
            with no_dispatch():
                return func(*args, **kwargs)
        if func._schema.is_mutable and not isinstance(made, tuple | list):
            return args[0] if made is getattr(args[0], "values", None) else kwargs["out"]
        device = next(
            (one.device for one in tree_leaves((args, kwargs)) if isinstance(one, Placed)), None
        )
        return self._told(_wrapped(made, expected, device))

    def _compute(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        values, named = _values(tuple(args)), _on_cpu(_values(kwargs))
        made = func(*values, **named)
        if (graph := driver.capturing()) is not None:
            graph.note(func, values, named, made)
        return made

    def _told(self, made: Any) -> Any:
        """Note where something was made."""
        for one in tree_leaves(made):
            if isinstance(one, Placed):
                self.traffic.places[str(one.device), str(driver.current())] += 1
        return made

    def _faked(self, one: Any) -> Any:
        if isinstance(one, Placed):
            like = torch.empty_strided(one.shape, one.stride(), dtype=one.dtype, device="meta")
            return FakeTensor(self._fake, like, one.device)
        if isinstance(one, torch.Tensor):
            return self._fake.from_tensor(one)
        if isinstance(one, torch.device) and one.type == "cuda" and one.index is None:
            return driver.current()
        return one

    def _count(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """What goes over the bus, and whether the program waits until it has gone."""
        tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        if func is aten._to_copy.default:
            source, target = args[0], torch.device(kwargs.get("device") or args[0].device)
        elif func is aten.copy_.default:
            source, target = args[1], args[0].device
        elif func in (aten.index.Tensor, aten.index_put_.default, aten.index_put.default):
            strays = [one for one in tensors[1:] if not isinstance(one, Placed)]
            for _ in strays:
                self.traffic.wait(f"send {_line()}")
            return
        else:
            return
        if source.device.type == target.type:
            return
        if target.type == "cpu":
            self.traffic.wait(f"read {_line()}")
        elif getattr(source, "pinned", False) and (
            kwargs.get("non_blocking") or args[2:] == (True,)
        ):
            self.traffic.sent[_line()] += 1
        else:
            self.traffic.wait(f"send {_line()}")

    def _attend(self, query: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
        key, value, mask = (*rest, *[None] * 3)[:3]
        mask = named.get("attn_mask", mask)
        kernels.same_place([one for one in (query, key, value, mask) if one is not None])
        self.traffic.attended[kernels.chosen(query, key, value, mask)] += 1
        func = aten.scaled_dot_product_attention.default
        return self._told(Placed(self._compute(func, (query, *rest), named), query.device))


def _line() -> str:
    """The innermost line of ours."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if _CODE in file and not file.endswith("device.py"):
            return f"{Path(file).name}:{frame.f_lineno}"
        frame = frame.f_back
    return "elsewhere"


def _values(tree: Any) -> Any:
    return tree_map(lambda one: one.values if isinstance(one, Placed) else one, tree)


def _on_cpu(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same without a device and what only a device understands."""
    kept = {name: value for name, value in kwargs.items() if name != "pin_memory"}
    return kept | ({"device": torch.device("cpu")} if kept.get("device") is not None else {})


def _placed(tree: Any, device: torch.device) -> Any:
    return tree_map(lambda one: Placed(one, device) if isinstance(one, torch.Tensor) else one, tree)


def _wrapped(made: Any, expected: Any, device: torch.device | None) -> Any:
    """What was computed, where and as torch says that a device would have it."""
    if expected is None:
        return _placed(made, device) if device is not None else made
    if isinstance(made, tuple | list):
        return type(made)(
            _wrapped(one, other, device) for one, other in zip(made, expected, strict=True)
        )
    if not isinstance(made, torch.Tensor):
        return made
    assert made.shape == expected.shape, (made.shape, expected.shape)
    if expected.device.type == "cpu":
        return made
    return Placed(made.to(expected.dtype), expected.device)


@contextmanager
def devices(count: int = 2) -> Iterator[Traffic]:
    """CUDA devices that are not there, on this thread and on those that begin meanwhile."""
    traffic = Traffic()
    begin = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        with Devices(traffic):
            begin(thread)

    with pytest.MonkeyPatch.context() as patch:
        driver.install(patch, count)
        patch.setattr(threading.Thread, "run", run)
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        torch._C._set_only_lift_cpu_tensors(True)
        try:
            with Devices(traffic):
                yield traffic
        finally:
            torch._C._set_only_lift_cpu_tensors(False)
            torch.__future__.set_overwrite_module_params_on_conversion(False)
