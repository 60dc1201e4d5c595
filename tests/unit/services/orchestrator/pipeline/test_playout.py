"""Pacing, holding, cutting and measuring a reply's audio."""

import pytest

from services.orchestrator.pipeline.playout import Playout

SECOND = bytes(48_000)


def seconds(slices: list[bytes]) -> float:
    return sum(map(len, slices)) / 48_000


@pytest.mark.parametrize("ahead", [0.2, 0.5, 1.5])
def test_never_more_than_allowed_lies_ahead(ahead: float) -> None:
    playout, now, sent = Playout(ahead), 5.0, 0.0
    playout.add(SECOND * 3)
    playout.whole = True
    while not playout.all_played(now):
        sent += seconds(playout.due(now))
        assert sent - playout.played_s(now) <= ahead + 1e-6
        at = playout.next_at(now)
        assert at is not None
        now = max(at, now + 1e-4)
    assert sent == pytest.approx(3.0)
    assert now == pytest.approx(8.0, abs=0.02)


def test_a_client_that_ran_dry_starts_anew() -> None:
    playout = Playout(1.5)
    playout.add(SECOND)
    playout.due(0.0)
    assert playout.played_s(10.0) == 1.0
    playout.add(SECOND)
    playout.due(10.0)
    assert playout.played_s(10.5) == pytest.approx(1.5)


def test_what_the_client_reports_counts() -> None:
    playout = Playout(1.5)
    playout.add(SECOND)
    playout.due(0.0)
    playout.report(0.2, 0.5)
    assert playout.played_s(0.6) == pytest.approx(0.3)
    playout.report(7.0, 0.7)
    assert playout.played_s(0.7) == 1.0


def test_held_sends_nothing_and_loses_nothing() -> None:
    playout = Playout(0.4)
    playout.add(SECOND)
    sent = seconds(playout.due(0.0))
    playout.hold(0.1)
    assert playout.due(0.5) == []
    assert playout.next_at(0.5) is None
    playout.release(0.5)
    assert playout.played_s(0.5) == pytest.approx(0.1)
    now = 0.5
    while not playout.all_sent and now < 5:
        sent += seconds(playout.due(now))
        playout.whole = True
        now += 0.05
    assert sent == pytest.approx(1.0)


def test_cleared_has_nothing_left() -> None:
    playout = Playout(0.2)
    playout.add(SECOND)
    playout.due(0.0)
    playout.clear()
    assert playout.due(9.0) == []
    assert playout.all_sent


def test_a_filler_fades_out_when_the_answer_comes() -> None:
    playout = Playout(0.2)
    playout.add(b"\x10\x27" * 24_000, filler=True)
    playout.due(0.0)
    playout.drop_filler()
    start = playout.add(SECOND)
    assert start == pytest.approx(0.22)


def test_what_the_client_reports_while_it_is_held_is_where_it_stands() -> None:
    playout = Playout(1.5)
    playout.add(SECOND)
    playout.due(0.0)
    playout.hold(0.3)
    playout.report(7.0, 0.32)
    assert playout.played_s(0.33) == 1.0
    playout.report(0.25, 0.35)
    assert playout.played_s(0.9) == 0.25
    playout.release(0.9)
    assert playout.played_s(1.0) == pytest.approx(0.35)


def test_nobody_has_played_less_than_nothing() -> None:
    playout = Playout(1.5)
    playout.add(SECOND)
    playout.due(0.0)
    playout.report(-1.0, 0.1)
    assert playout.played_s(0.1) == 0.0


def test_cleared_ends_where_it_was_sent() -> None:
    playout = Playout(0.2)
    playout.add(SECOND)
    playout.due(0.0)
    playout.clear()
    assert playout.queued_s == playout.sent_s == pytest.approx(0.2)
    assert playout.whole


def test_only_a_filler_gives_way_to_the_answer() -> None:
    playout = Playout(0.2)
    playout.add(SECOND)
    playout.add(SECOND, filler=True)
    playout.drop_filler()
    assert playout.queued_s == pytest.approx(1.02)


def test_the_end_is_looked_for_when_the_last_sample_is_played() -> None:
    playout = Playout(1.5)
    playout.add(SECOND)
    playout.due(0.0)
    assert playout.next_at(0.25) is None
    playout.whole = True
    assert playout.next_at(0.25) == pytest.approx(1.0)
    playout.hold(0.3)
    assert playout.next_at(0.3) is None
