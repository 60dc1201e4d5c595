from deploy.docs.attributes import described, summary
from shared.protocol.conversation import EventError
from shared.protocol.tts import Synthesize


def test_text_under_a_field_is_its_description_bases_included() -> None:
    texts = described(EventError)
    assert texts["seq"]
    assert described(Synthesize)["chunk_size"]


def test_the_summary_is_the_first_paragraph_on_one_line() -> None:
    assert summary(EventError) == "An error inside the session."
    assert summary(type("Bare", (), {})) == ""
