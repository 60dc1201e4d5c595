from deploy.docs import dialogue
from services.orchestrator.pipeline.state import TRANSITIONS


def test_every_way_is_drawn_and_listed() -> None:
    page = dialogue.document()
    for old, ways in TRANSITIONS.items():
        for new, why in ways.items():
            assert f"    {old.value} --> {new.value}: {why}\n" in page
            assert f"| `{old.value}` | `{new.value}` | {why} |" in page
