"""The document is whole: every reference points to something."""

import json
import re

import httpx
from starlette.routing import Router

from shared.protocol.conversation import CreateSession, SessionCreated
from shared.web import openapi
from shared.web.openapi import BINARY, Operation

OPERATIONS = [
    Operation(
        "POST",
        "/v2/sessions",
        "Begin a session",
        body={"application/json": CreateSession},
        answers={"application/json": SessionCreated},
        status=201,
        errors=(400, 503),
    ),
    Operation("DELETE", "/v2/sessions/{session_id}", "Erase a session", status=204),
    Operation("GET", "/v1/audio", "Sound", answers={"audio/wav": BINARY}),
]


def test_every_reference_points_to_a_schema() -> None:
    made = openapi.document("test", OPERATIONS)
    references = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(made))
    assert {"CreateSession", "SessionCreated", "Error"} <= set(references)
    assert set(references) <= set(made["components"]["schemas"])


def test_statuses_parameters_and_media_are_listed() -> None:
    paths = openapi.document("test", OPERATIONS)["paths"]
    assert set(paths["/v2/sessions"]["post"]["responses"]) == {"201", "400", "503"}
    assert paths["/v2/sessions/{session_id}"]["delete"]["parameters"][0]["name"] == "session_id"
    assert "audio/wav" in paths["/v1/audio"]["get"]["responses"]["200"]["content"]


async def test_it_is_served_with_the_common_endpoints() -> None:
    transport = httpx.ASGITransport(Router([openapi.route("test", OPERATIONS)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        served = (await client.get("/openapi.json")).json()
    assert {"/health", "/live", "/v2/sessions"} <= set(served["paths"])
