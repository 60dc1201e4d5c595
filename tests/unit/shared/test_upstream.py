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


async def fail(there: Upstream, failure: Exception | None = None) -> None:
    """As often in a row as opens its breaker."""
    for _ in range(3):
        with pytest.raises(ParleyError):
            async with there.call():
                raise failure or OSError


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
    with pytest.raises(error) as caught:
        async with upstream().call():
            raise raised
    assert caught.value is raised or caught.value.retry_after_s == 1


async def test_a_server_that_is_silent_is_given_up() -> None:
    with pytest.raises(DeadlineExceeded):
        async with upstream(timeout_s=0.01).call():
            await asyncio.Event().wait()


@pytest.mark.parametrize("failure", [OSError(), TimeoutError(), UpstreamFailed("half an answer")])
async def test_what_keeps_failing_is_left_alone_for_a_while(failure: Exception) -> None:
    clock = ManualClock()
    there = upstream(clock)
    await fail(there, failure)
    with pytest.raises(EngineUnavailable) as refused:
        async with there.call():
            pass
    assert refused.value.retry_after_s
    clock.advance(60)
    async with there.call():
        pass
    there.check()


async def test_one_more_than_goes_at_once_waits_for_its_place() -> None:
    there, begun = upstream(), asyncio.Event()

    async def call() -> None:
        async with there.call():
            begun.set()

    async with there.call():
        waiting = asyncio.create_task(call())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not begun.is_set()
    await waiting
    assert begun.is_set()


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_taken_is_not_told_on(status: int) -> None:
    error = upstream().refused(status, {}, "no such key: sk-hush")
    assert error.message == f"there answered {status}; set A_KEY"


def test_what_the_server_says_is_told_in_short() -> None:
    assert upstream().refused(400, {}, "too long").message == "there answered 400: too long"
    assert len(upstream().refused(500, {}, "x" * 9999).message) < 300


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


@pytest.mark.parametrize("refusal", [UpstreamRefused("no"), UpstreamLimited("not now")])
async def test_refusals_do_not_open_the_breaker(refusal: ParleyError) -> None:
    there = upstream()
    await fail(there, refusal)
    there.check()
