"""A request's text, from its first piece to its end."""

import pytest

from services.tts.pipeline.catalogue import ChosenVoice
from services.tts.pipeline.utterance import Options, State, Utterance
from shared.errors import Conflict, InvalidRequest, TooLarge

VOICE = ChosenVoice("en-us", ("en",))


def utterance(longest: int = 200, most: int = 1000, **options: str) -> Utterance:
    return Utterance("r", Options(VOICE, **options), longest=longest, most_text=most)  # type: ignore[arg-type]


def over(request: Utterance) -> bool:
    return request.exhausted


def drained(request: Utterance) -> list[str]:
    found = []
    while (clause := request.next()) is not None:
        found.append(clause.text.text)
    return found


def test_a_whole_text_is_complete_at_once() -> None:
    request = utterance()
    request.whole("Hello there, Dr. Lee. It is 5 pm.")
    assert request.state is State.COMPLETE
    assert drained(request) == ["Hello there,", "Doctor Lee. It is five P M."]
    assert request.exhausted
    assert not request.incremental


def test_text_in_pieces_is_spoken_as_its_clauses_end() -> None:
    request = utterance()
    request.feed("Hello there, my")
    assert drained(request) == ["Hello there,"]
    assert not over(request)
    request.feed(" friend")
    assert request.next() is None
    request.end()
    assert drained(request) == ["my friend"]
    assert request.exhausted
    assert request.received == len("Hello there, my friend")


def test_a_figure_that_grows_is_cut_to_what_the_engine_can_say() -> None:
    request = utterance(longest=60)
    request.whole("9876543210987654321098765432109876543210 it is.")
    pieces = drained(request)
    assert len(pieces) > 2
    assert all(len(piece) <= 60 for piece in pieces)
    assert " ".join(pieces).startswith("nine eight seven six")


def test_the_parts_of_a_clause_end_where_they_are_written_and_the_last_with_it() -> None:
    request = utterance(longest=60)
    request.whole("12345678901234567890 and so.")
    ends = []
    while (clause := request.next()) is not None:
        ends.append(clause.end)
    assert ends[-1] == len("12345678901234567890 and so.")
    assert ends == sorted(ends)


@pytest.mark.parametrize("text", ["", " \n "])
def test_no_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        utterance().whole(text)


def test_too_much_text_is_refused_whole_and_in_pieces() -> None:
    with pytest.raises(TooLarge, match="TTS_MAX_TEXT_CHARS"):
        utterance(most=10).whole("x" * 11)
    request = utterance(most=10)
    request.feed("x" * 10)
    with pytest.raises(TooLarge):
        request.feed("x")


def test_after_its_end_it_takes_no_text() -> None:
    request = utterance()
    request.end()
    with pytest.raises(Conflict):
        request.feed("x")
    with pytest.raises(Conflict):
        request.flush()
    with pytest.raises(Conflict):
        request.end()


def test_a_closed_request_has_nothing_to_say() -> None:
    request = utterance()
    request.whole("Hello there, my friend.")
    request.close()
    assert request.exhausted
    assert request.next() is None


def test_emoji_are_named_only_where_there_is_nothing_else() -> None:
    alone, beside = utterance(), utterance()
    alone.whole("👍")
    beside.whole("Fine 👍")
    assert drained(alone) == ["thumbs up sign"]
    assert drained(beside) == ["Fine"]


def test_other_languages_are_not_put_into_english_words() -> None:
    request = utterance(language="de")
    request.whole("Um 5 Uhr.")
    assert drained(request) == ["Um 5 Uhr."]


def test_a_figure_that_was_begun_is_not_spoken_on_after_its_end() -> None:
    request = utterance(longest=60)
    request.whole("9876543210987654321098765432109876543210 it is.")
    assert request.next() is not None
    assert not over(request)
    request.close()
    assert request.next() is None
    assert request.exhausted


def test_the_last_part_of_a_clause_covers_what_is_not_spoken() -> None:
    request = utterance(longest=60)
    text = "9876543210987654321098765432109876543210 it is 🎉"
    request.whole(text)
    ends = []
    while (clause := request.next()) is not None:
        ends.append(clause.end)
    assert len(ends) > 1
    assert ends[-1] == len(text)
