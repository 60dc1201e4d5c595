"""The example set, called as a model would call it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.orchestrator.tools.base import Outcome, Progress
from services.orchestrator.tools.bookings import Bookings
from services.orchestrator.tools.flights import tools
from services.orchestrator.tools.runner import ToolRunner


@dataclass(frozen=True)
class Call:
    name: str
    arguments: str
    call_id: str = "c1"


class Agent:
    """Calls tools and keeps their progress."""

    def __init__(self, runner: ToolRunner) -> None:
        self.runner = runner
        self.progress: list[str] = []

    async def call(self, name: str, **arguments: Any) -> Outcome:
        async for step in self.runner.call(Call(name, json.dumps(arguments))):
            if isinstance(step, Progress):
                self.progress.append(step.message)
            else:
                outcome = step
        return outcome


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    bookings = Bookings(str(tmp_path / "flights.db"))
    async with ToolRunner(tools(bookings).select(None)) as runner:
        yield Agent(runner)
    bookings.close()


async def test_a_code_is_found_however_it_was_spelt(agent: Agent) -> None:
    for code in ("AB12CD", "ab 12 cd", "ab12-cd"):
        assert (await agent.call("flight_booking_details", code=code)).result["origin"] == "Lisbon"
    assert "no booking ZZZZZZ" in str(
        (await agent.call("flight_booking_details", code="zzzzzz")).error
    )


async def test_a_cancellation_is_quoted_and_then_confirmed_once(agent: Agent) -> None:
    quote = (await agent.call("cancellation_quote", code="AB12CD")).result
    assert quote["refund"] == 192.0
    done = await agent.call("confirm_cancellation", quote_id=quote["quote_id"])
    assert done.result["status"] == "cancelled"
    assert (await agent.call("confirm_cancellation", quote_id=quote["quote_id"])).error
    assert "was cancelled" in str((await agent.call("web_check_in", code="AB12CD")).error)


async def test_a_date_is_changed_only_when_the_penalty_was_agreed_to(agent: Agent) -> None:
    asked = await agent.call("change_date", code="XY34ZT", to="2027-05-01")
    assert asked.result["penalty"] == 50.0
    assert (await agent.call("flight_booking_details", code="XY34ZT")).result[
        "departs"
    ] == "2027-04-02"
    await agent.call("change_date", code="XY34ZT", to="2027-05-01", confirmed=True)
    assert (await agent.call("flight_booking_details", code="XY34ZT")).result[
        "departs"
    ] == "2027-05-01"
    assert "past" in str((await agent.call("change_date", code="XY34ZT", to="2020-01-01")).error)


async def test_checking_in_twice_gives_the_same_seat(agent: Agent) -> None:
    first = await agent.call("web_check_in", code="AB12CD")
    assert (await agent.call("web_check_in", code="AB12CD")).result == first.result


async def test_the_ticket_is_sent_meanwhile(agent: Agent) -> None:
    assert (await agent.call("send_eticket", code="AB12CD")).result["status"] == "started"
    async for announcement in agent.runner.announcements():
        assert "maria@example.com" in announcement.text
        break


async def test_a_claim_tells_how_far_it_is(agent: Agent) -> None:
    claim = await agent.call("special_claim", code="AB12CD", reason="lost bag")
    assert agent.progress == ["Checking the booking", "Opening the claim"]
    assert claim.result["status"] == "open"


async def test_a_human_is_asked_for(agent: Agent) -> None:
    assert (await agent.call("connect_to_human", reason="angry")).result["status"] == "queued"
