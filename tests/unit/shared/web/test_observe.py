"""Ids, counts and log lines of requests."""

import json
import logging

import pytest

from shared.logs import JsonFormatter
from shared.web.observe import Observe
from tests.doubles.clock import ManualClock
from tests.unit.shared.web.asgi import Raising, Recording, call, http, metrics, websocket


async def test_the_request_id_is_made_or_kept_and_sent_back() -> None:
    app = Observe(Recording(), metrics(), ManualClock())
    (made, _) = await call(app, http())
    assert len(dict(made["headers"])[b"x-request-id"]) == 16
    (kept, _) = await call(app, http(x_request_id="mine"))
    assert dict(kept["headers"])[b"x-request-id"] == b"mine"


async def test_everything_inside_carries_the_id() -> None:
    lines: list[str] = []

    async def app(*_: object) -> None:
        lines.append(JsonFormatter("tests").format(logging.makeLogRecord({})))

    await call(Observe(app, metrics(), ManualClock()), http(x_request_id="mine"))
    await app()
    inside, after = map(json.loads, lines)
    assert inside["request_id"] == "mine"
    assert "request_id" not in after


async def test_paths_with_ids_make_no_new_series() -> None:
    counted = metrics()
    await call(Observe(Recording(), counted, ManualClock()), http("/v2/sessions/abc"))
    assert b'route="unmatched",status="200"' in counted.exposition()[0]


async def test_connections_are_counted_while_they_last() -> None:
    counted = metrics()
    with pytest.raises(ValueError, match="x"):
        await call(Observe(Raising(ValueError("x")), counted, ManualClock()), websocket())
    assert b'parley_test_connections{route="websocket"} 0.0' in counted.exposition()[0]


async def test_health_checks_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = Observe(Recording(), metrics(), ManualClock())
    with caplog.at_level(logging.INFO):
        await call(app, http("/ready"))
        assert not caplog.records
        await call(app, http("/other"))
        assert [record.message for record in caplog.records] == ["request"]
