"""How an upstream's answers are read: anything may stand in them."""

import math

BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)
"""What reading an answer raises that is not as its protocol says."""


def moment(value: object) -> float:
    """A time in somebody's answer.

    Raises:
        ValueError, TypeError: it is no number of seconds.
    """
    seconds = float(value)  # type: ignore[arg-type]
    if not math.isfinite(seconds):
        raise ValueError("a time that is no number")
    return seconds
