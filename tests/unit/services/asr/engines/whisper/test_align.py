from services.asr.engines.whisper.align import _joined, _Piece, _token_times, _words


def piece(text: str, start: float = 0.0, end: float = 0.5) -> _Piece:
    return _Piece(text, start, end, [0.5])


def test_a_token_begins_where_the_path_first_reaches_it() -> None:
    assert _token_times([(0, 0), (0, 5), (1, 6), (1, 9), (3, 20)]) == [0.0, 0.12, 0.4, 0.4]


def test_punctuation_belongs_to_its_word() -> None:
    made = _joined([piece(' "'), piece(" Yes"), piece(","), piece(" no"), piece("."), piece('"')])
    assert [each.text for each in made] == ['"Yes,', 'no."']


def test_an_opening_mark_at_the_end_is_not_lost() -> None:
    assert [each.text for each in _joined([piece(" so"), piece(" (")])] == ["so("]


def test_words_do_not_swallow_pauses_and_stay_in_order() -> None:
    pieces = [
        piece("one", 0.0, 9.0),
        piece("two", 9.0, 9.4),
        piece("three", 9.2, 9.6),
        piece("four", 9.6, 30.0),
    ]
    words = _words(pieces, 12.0)
    assert [word.word for word in words] == ["one", "two", "three", "four"]
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[-1] <= 12.0
    assert words[0].end == 9.0
    assert all(word.end - word.start <= 1.41 for word in words)
