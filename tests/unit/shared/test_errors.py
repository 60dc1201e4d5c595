"""Every error is told the same way everywhere."""

import inspect
import re
from collections.abc import Iterator

import pytest

from shared import errors
from shared.errors import ParleyError


def tree(root: type[ParleyError] = ParleyError) -> Iterator[type[ParleyError]]:
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


@pytest.mark.parametrize("kind", list(tree()))
def test_the_table_in_the_docstring_is_the_tree(kind: type[ParleyError]) -> None:
    pattern = rf"^.*\b{kind.__name__}\b +(\w+) +(\d+) +(\d+) *(yes)?$"
    line = re.search(pattern, inspect.getdoc(errors) or "", re.MULTILINE)
    assert line is not None
    assert line.groups() == (
        kind.code,
        str(kind.http_status),
        str(kind.close_code),
        "yes" if kind.retryable else None,
    )


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in tree()]
    assert len(codes) == len(set(codes))
