"""The table of states."""

import pytest

from services.orchestrator.pipeline.state import (
    TRANSITIONS,
    IllegalTransition,
    State,
    checked,
    diagram,
)


@pytest.mark.parametrize("old", State)
@pytest.mark.parametrize("new", State)
def test_only_what_the_table_has_is_allowed(old: State, new: State) -> None:
    if new in TRANSITIONS[old]:
        assert checked(old, new) is new
    else:
        with pytest.raises(IllegalTransition, match=f"{old.value} -> {new.value}"):
            checked(old, new)


def test_every_state_can_be_left_and_reached() -> None:
    reached = {new for ways in TRANSITIONS.values() for new in ways}
    assert reached == set(State) == set(TRANSITIONS)


def test_the_diagram_begins_idle() -> None:
    assert "[*] --> idle" in diagram()
