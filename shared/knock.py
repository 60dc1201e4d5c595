"""A sign of life from a server of weights, before a download that may take long."""

import threading
from concurrent.futures import Future

import httpx

SILENCE_S = 3.0
"""Longest wait for it: a server that does not answer must not hold up the start."""


class Silent(OSError):
    """The server gave no sign of life in time, or cannot be reached."""


def knock(address: str) -> int:
    """See that a server answers at all. Blocks; at most `SILENCE_S`.

    Returns:
        The HTTP status of its answer.

    Raises:
        Silent: it does not.
    """
    answered: Future[int] = Future()

    def ask() -> None:
        try:
            with httpx.stream("GET", address, timeout=SILENCE_S, follow_redirects=True) as answer:
                status = answer.status_code
            answered.set_result(status)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            answered.set_exception(error)

    # httpx times each step, and a name server's silence not at all; this thread may outlive both.
    threading.Thread(target=ask, name="knock", daemon=True).start()
    try:
        return answered.result(SILENCE_S)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        server = address.partition("://")[2].partition("/")[0] or address
        raise Silent(
            f"{server} did not answer within {SILENCE_S:g} s ({type(error).__name__})"
        ) from error
