"""An example set of tools: an airline's bookings.

Shows the three kinds of tools on something that can be tried aloud: look-ups that are
waited for, a confirmation in two steps, an e-mail that is sent meanwhile, and a claim that
tells how far it is.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from services.orchestrator.tools.base import Kind, Progress
from services.orchestrator.tools.bookings import Bookings
from services.orchestrator.tools.registry import Registry

Code = Annotated[str, Field(description="Booking code: six letters and digits, e.g. AB12CD")]
Day = Annotated[date, Field(description="Date as YYYY-MM-DD")]


def tools(bookings: Bookings) -> Registry:
    """The example set over a database."""
    registry = Registry()

    @registry.tool(idempotent=True, phrase="One moment, I am looking that up.")
    def flight_booking_details(code: Code) -> dict[str, Any]:
        """Everything about a booking: passenger, route, date, fare, status and seat."""
        return bookings.booking(code)

    @registry.tool(phrase="Let me see what that would cost.")
    def cancellation_quote(code: Code) -> dict[str, Any]:
        """What the passenger gets back for a cancellation. Read it out and ask to confirm."""
        return bookings.quote(code)

    @registry.tool()
    def confirm_cancellation(
        quote_id: Annotated[str, Field(description="From cancellation_quote")],
    ) -> dict[str, Any]:
        """Cancel the booking, after the passenger agreed to the quote."""
        return bookings.cancel(quote_id)

    @registry.tool(phrase="I am checking that date.")
    def change_date(code: Code, to: Day, confirmed: bool = False) -> dict[str, Any]:
        """Move a booking to another date, for a penalty. Call it with confirmed=false first,
        read the penalty out, and with confirmed=true after the passenger agreed."""
        return bookings.move(code, to, confirmed=confirmed)

    @registry.tool(idempotent=True)
    def web_check_in(code: Code) -> dict[str, Any]:
        """Check the passenger in and issue the boarding pass."""
        return bookings.check_in(code)

    @registry.tool(kind=Kind.ASYNCHRONOUS, timeout_s=30)
    async def send_eticket(
        code: Code,
        channel: Annotated[str, Field(description="email, sms or whatsapp")] = "email",
    ) -> dict[str, Any]:
        """Send the e-ticket; goes on while the conversation does."""
        return await asyncio.to_thread(bookings.record, code, channel)

    @registry.tool()
    async def connect_to_human(
        reason: Annotated[str, Field(description="In a few words")],
    ) -> dict[str, Any]:
        """Hand the caller over to a human agent."""
        return {"status": "queued", "reason": reason, "position": 1}

    @registry.tool()
    async def special_claim(
        code: Code, reason: Annotated[str, Field(description="What happened")]
    ) -> AsyncIterator[Any]:
        """Open a claim for damage, delay or lost baggage."""
        yield Progress("Checking the booking")
        await asyncio.to_thread(bookings.booking, code)
        yield Progress("Opening the claim")
        yield await asyncio.to_thread(bookings.claim, code, reason)

    return registry
