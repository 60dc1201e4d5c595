"""A token bucket a client."""

import pytest

from shared.errors import RateLimited
from shared.web.limits import RateLimit
from tests.doubles.clock import ManualClock
from tests.unit.shared.web.asgi import Recording, call, http


def limit(clock: ManualClock, per_minute: int = 2) -> RateLimit:
    return RateLimit(Recording(), per_minute, clock)


async def test_refuses_beyond_the_burst_and_says_when_to_return() -> None:
    app = limit(ManualClock())
    await call(app, http())
    await call(app, http())
    with pytest.raises(RateLimited) as caught:
        await call(app, http())
    assert caught.value.retry_after_s == pytest.approx(30)


async def test_time_gives_tokens_back() -> None:
    clock = ManualClock()
    app = limit(clock)
    await call(app, http())
    await call(app, http())
    clock.advance(30)
    await call(app, http())
    with pytest.raises(RateLimited):
        await call(app, http())


async def test_clients_do_not_share() -> None:
    app = limit(ManualClock(), 1)
    await call(app, http())
    await call(app, http() | {"client": ("127.0.0.2", 1)})
    await call(app, http() | {"state": {"owner": "key"}})


async def test_health_is_free_and_0_is_no_limit() -> None:
    clock = ManualClock()
    for _ in range(5):
        await call(limit(clock, 0), http())
    app = limit(clock, 1)
    for _ in range(5):
        await call(app, http("/health"))
