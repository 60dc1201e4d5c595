"""A server of weights is waited for no longer than it may cost at a start."""

import asyncio

import pytest
from starlette.responses import Response

from shared import knock as knocking
from shared.knock import Silent, knock
from tests.doubles.silent_servers import dripping_server, silent_server
from tests.running.app import serving


def test_it_has_three_seconds() -> None:
    assert knocking.SILENCE_S == 3


async def test_any_answer_is_a_sign_of_life() -> None:
    async with serving(Response(status_code=404)) as address:
        assert await asyncio.to_thread(knock, f"{address}/weights") == 404


async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knocking, "SILENCE_S", 0.2)
    with silent_server() as address, pytest.raises(Silent, match=r"did not answer within 0.2 s"):
        await asyncio.to_thread(knock, address)


async def test_one_that_drips_is_given_up_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knocking, "SILENCE_S", 0.2)
    async with dripping_server() as address:
        with pytest.raises(Silent, match="TimeoutError"):
            await asyncio.to_thread(knock, address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://[", "nonsense"])
def test_nobody_there_is_told(address: str) -> None:
    with pytest.raises(Silent, match=r"did not answer"):
        knock(address)
