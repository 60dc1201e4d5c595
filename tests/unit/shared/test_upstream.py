"""Whose fault it was, and when a server of others is left alone."""

import asyncio

import httpx
import pytest

from shared.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from shared.upstream import Upstream
from tests.doubles.clock import ManualClock


def upstream(clock: ManualClock | None = None, *, timeout_s: float = 5.0) -> Upstream:
    return Upstream(
        "there", clock or ManualClock(), at_once=1, timeout_s=timeout_s, key_setting="A_KEY"
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, UpstreamRefused),
        (401, UpstreamRefused),
        (403, UpstreamRefused),
        (404, UpstreamRefused),
        (413, UpstreamRefused),
        (429, UpstreamLimited),
        (500, UpstreamFailed),
        (503, UpstreamFailed),
    ],
)
def test_a_status_says_whose_fault_it_is(status: int, error: type[ParleyError]) -> None:
    assert type(upstream().refused(status, {})) is error


def test_a_limited_server_says_when_to_come_back() -> None:
    assert upstream().refused(429, {"retry-after": "7"}).retry_after_s == 7
    for said in ("tomorrow", "nan", "inf"):
        assert upstream().refused(429, {"retry-after": said}).retry_after_s == 1
    assert upstream().refused(429, {"retry-after": "-3"}).retry_after_s == 0


async def fail(there: Upstream) -> None:
    """As often in a row as opens its breaker."""
    for _ in range(3):
        with pytest.raises(UpstreamFailed):
            async with there.call():
                raise OSError


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (ConnectionRefusedError(), UpstreamFailed),
        (httpx.ConnectError("no"), UpstreamFailed),
        (httpx.ReadTimeout("late"), DeadlineExceeded),
        (UpstreamLimited("slow down"), UpstreamLimited),
    ],
)
async def test_failures_of_the_line_have_our_names(
    raised: Exception, error: type[ParleyError]
) -> None:
    with pytest.raises(error):
        async with upstream().call():
            raise raised


async def test_a_server_that_is_silent_is_given_up() -> None:
    with pytest.raises(DeadlineExceeded):
        async with upstream(timeout_s=0.01).call():
            await asyncio.Event().wait()


async def test_what_keeps_failing_is_left_alone_for_a_while() -> None:
    clock = ManualClock()
    there = upstream(clock)
    await fail(there)
    with pytest.raises(EngineUnavailable) as refused:
        there.check()
    assert refused.value.retry_after_s
    clock.advance(60)
    async with there.call():
        pass
    there.check()


def test_a_key_that_is_not_taken_is_not_told_on() -> None:
    error = upstream().refused(401, {}, "no such key: sk-hush")
    assert error.message == "there answered 401; set A_KEY"
    assert upstream().refused(400, {}, "too long").message == "there answered 400: too long"


async def test_only_a_streamed_answer_may_take_its_time() -> None:
    there = upstream(timeout_s=0.0)
    async with there.call(streamed=True):
        await asyncio.wait({asyncio.create_task(asyncio.sleep(0))})
    with pytest.raises(DeadlineExceeded):
        async with there.call():
            await asyncio.wait({asyncio.create_task(asyncio.sleep(0))})


async def test_a_refusal_is_an_answer_and_closes_the_breaker() -> None:
    clock = ManualClock()
    there = upstream(clock)
    await fail(there)
    clock.advance(60)
    with pytest.raises(UpstreamRefused):
        async with there.call():
            raise UpstreamRefused("no")
    there.check()


async def test_refusals_do_not_open_the_breaker() -> None:
    there = upstream()
    for _ in range(5):
        with pytest.raises(UpstreamRefused):
            async with there.call():
                raise UpstreamRefused("no")
    there.check()
