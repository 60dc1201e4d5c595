"""Prints what the clients saw, fault by fault."""

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line for each fault; properties also come back from workers of xdist."""
    rows = [
        dict(report.user_properties)
        for report in terminalreporter.getreports("passed")
        if "part" in dict(report.user_properties)
    ]
    if not rows:
        return
    terminalreporter.section("faults: what the client saw, and seconds from ready to going on")
    for row in rows:
        told = f"{row['part']:13}{row['stage']:10}{row['back_s']:6.2f} s  {row['saw']}"
        terminalreporter.write_line(told)
