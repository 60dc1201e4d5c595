"""What the airline's database keeps."""

from pathlib import Path

from services.orchestrator.tools.bookings import Bookings


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "flights.db")
    first = Bookings(path)
    seat = first.check_in("AB12CD")["seat"]
    first.close()
    second = Bookings(path)
    assert second.booking("AB12CD")["seat"] == seat
    second.close()
