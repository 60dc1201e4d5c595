"""One JSON object a line, with the ids in force."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from shared import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure("test", "INFO", stream)
    yield stream
    root.handlers[:], _ = before
    root.setLevel(before[1])


def records(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_line_with_its_extras(stream: io.StringIO) -> None:
    logging.getLogger("here").info("two\nlines", extra={"size": 3})
    (record,) = records(stream)
    assert record["message"] == "two\nlines"
    assert (record["service"], record["level"], record["size"]) == ("test", "INFO", 3)


def test_ids_nest_and_end(stream: io.StringIO) -> None:
    with logs.correlated(session_id="s"):
        with logs.correlated(turn_id="t"):
            logging.info("inside")
        logging.info("between")
    logging.info("outside")
    found = [{"session_id", "turn_id"} & set(record) for record in records(stream)]
    assert found == [{"session_id", "turn_id"}, {"session_id"}, set()]


def test_an_exception_stays_on_its_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("inner")
    except ValueError:
        logging.exception("outer")
    (record,) = records(stream)
    assert "ValueError: inner" in str(record["exception"])


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    logging.debug("quiet")
    assert records(stream) == []
