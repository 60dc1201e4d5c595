"""The docstrings that stand under a class's fields."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise


def described(kind: type) -> dict[str, str]:
    """Field names of `kind` and of its bases, with the text under each; undescribed ones lack."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.partition(".")[0] in ("shared", "services"):
            found |= _own(base)
    return found


def summary(kind: type) -> str:
    """The class's own docstring as one paragraph; empty when it has none."""
    text = inspect.cleandoc(vars(kind).get("__doc__") or "")
    return " ".join(text.split("\n\n")[0].split())


def _own(kind: type) -> dict[str, str]:
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - the source of a class
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
