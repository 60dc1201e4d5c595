"""The bookings of an airline in SQLite, which the example set of tools works on."""

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from services.orchestrator.tools.base import ToolError

_TABLES = """
CREATE TABLE IF NOT EXISTS bookings (
    code TEXT PRIMARY KEY, passenger TEXT NOT NULL, email TEXT NOT NULL,
    origin TEXT NOT NULL, destination TEXT NOT NULL, departs TEXT NOT NULL,
    fare REAL NOT NULL, status TEXT NOT NULL DEFAULT 'booked', seat TEXT
);
CREATE TABLE IF NOT EXISTS quotes (
    quote_id TEXT PRIMARY KEY, code TEXT NOT NULL, refund REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (code TEXT NOT NULL, channel TEXT NOT NULL, sent TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS claims (
    claim_id TEXT PRIMARY KEY, code TEXT NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL
);
"""
_EXAMPLES = [
    ("AB12CD", "Maria Silva", "maria@example.com", "Lisbon", "Berlin", "2027-03-14", 240.0),
    ("XY34ZT", "John Miller", "john@example.com", "London", "Oslo", "2027-04-02", 180.0),
]
_CANCELLATION_SHARE = 0.2
_CHANGE_PENALTY = 50.0


class Bookings:
    """The database. Safe from any thread."""

    def __init__(self, path: str = ":memory:") -> None:
        """Open, make the tables, and put two example bookings into an empty database.

        Raises:
            sqlite3.Error: the file is no database, or cannot be written.
        """
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        with self._writing() as database:
            database.executescript(_TABLES)
            if not database.execute("SELECT 1 FROM bookings").fetchone():
                columns = "code, passenger, email, origin, destination, departs, fare"
                insert = f"INSERT INTO bookings ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
                database.executemany(insert, _EXAMPLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._database:
            yield self._database

    def booking(self, code: str) -> dict[str, Any]:
        """One booking.

        Raises:
            ToolError: there is none.
        """
        plain = "".join(code.split()).replace("-", "").upper()
        with self._writing() as database:
            found = database.execute("SELECT * FROM bookings WHERE code = ?", (plain,)).fetchone()
        if found is None:
            raise ToolError(f"there is no booking {plain}; ask for the code again")
        return dict(found)

    def active(self, code: str) -> dict[str, Any]:
        """One booking that was not cancelled.

        Raises:
            ToolError: there is none.
        """
        booking = self.booking(code)
        if booking["status"] == "cancelled":
            raise ToolError(f"booking {booking['code']} was cancelled")
        return booking

    def quote(self, code: str) -> dict[str, Any]:
        """What a cancellation would give back; to be confirmed with its ``quote_id``."""
        booking = self.active(code)
        refund = round(booking["fare"] * (1 - _CANCELLATION_SHARE), 2)
        quote_id = secrets.token_hex(3)
        with self._writing() as database:
            row = (quote_id, booking["code"], refund)
            database.execute("INSERT INTO quotes VALUES (?, ?, ?)", row)
        return {"quote_id": quote_id, "code": booking["code"], "refund": refund}

    def cancel(self, quote_id: str) -> dict[str, Any]:
        """Cancel as quoted; a quote is used once."""
        with self._writing() as database:
            query = "DELETE FROM quotes WHERE quote_id = ? RETURNING code, refund"
            quote = database.execute(query, (quote_id,)).fetchone()
            if quote is None:
                raise ToolError("there is no such quote; ask for a new one")
            update = "UPDATE bookings SET status = 'cancelled' WHERE code = ?"
            database.execute(update, (quote["code"],))
        return {"code": quote["code"], "status": "cancelled", "refund": quote["refund"]}

    def move(self, code: str, to: date, *, confirmed: bool) -> dict[str, Any]:
        """Change the date: what it costs, and once confirmed, the change."""
        booking = self.active(code)
        if to <= datetime.now(UTC).date():
            raise ToolError("the new date is in the past")
        answer = {"code": booking["code"], "from": booking["departs"], "to": to.isoformat()}
        if confirmed:
            with self._writing() as database:
                update = "UPDATE bookings SET departs = ? WHERE code = ?"
                database.execute(update, (to.isoformat(), booking["code"]))
        return {**answer, "penalty": _CHANGE_PENALTY, "changed": confirmed}

    def check_in(self, code: str) -> dict[str, Any]:
        """Check in; the same seat when asked again."""
        booking = self.active(code)
        seat = booking["seat"] or f"{secrets.randbelow(30) + 1}{secrets.choice('ABCDEF')}"
        with self._writing() as database:
            update = "UPDATE bookings SET status = 'checked in', seat = ? WHERE code = ?"
            database.execute(update, (seat, booking["code"]))
        return {"code": booking["code"], "seat": seat, "boarding_pass": f"BP-{booking['code']}"}

    def record(self, code: str, channel: str) -> dict[str, Any]:
        """Write down that something was sent."""
        booking = self.booking(code)
        with self._writing() as database:
            row = (booking["code"], channel, datetime.now(UTC).isoformat(timespec="seconds"))
            database.execute("INSERT INTO messages VALUES (?, ?, ?)", row)
        return {"code": booking["code"], "sent_to": booking["email"], "channel": channel}

    def claim(self, code: str, reason: str) -> dict[str, Any]:
        """Open a claim."""
        booking = self.booking(code)
        claim_id = f"C{secrets.randbelow(90_000) + 10_000}"
        with self._writing() as database:
            row = (claim_id, booking["code"], reason, "open")
            database.execute("INSERT INTO claims VALUES (?, ?, ?, ?)", row)
        return {"claim_id": claim_id, "status": "open"}
