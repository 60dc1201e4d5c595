"""Jobs over HTTP, at a service with PocketSphinx."""

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest

from tests.audio.sounds import sound_file
from tests.audio.speech import speech
from tests.running.process import Process

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOUND = sound_file(
    "wav", np.concatenate([speech("hello there"), np.zeros(16_000, np.float32)]), 16_000
)


async def finished(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    async with asyncio.timeout(40):
        while True:
            found: dict[str, Any] = (await http.get(path)).json()
            if found["status"] in ("completed", "failed"):
                return found
            await asyncio.sleep(0.05)


async def test_several_files_become_several_results(sphinx: Process) -> None:
    files = [
        ("file", ("a.wav", SOUND)),
        ("file", ("text.wav", b"no sound " * 100)),
        ("file", ("b.wav", SOUND)),
    ]
    async with httpx.AsyncClient(base_url=sphinx.http, trust_env=False) as http:
        fields = {"model": "whisper-1", "response_format": "vtt"}
        made = await http.post("/v1/jobs", data=fields, files=files)
        assert made.status_code == 202
        path = made.headers["location"]
        assert path == f"/v1/jobs/{made.json()['id']}"
        found = await finished(http, path)
        assert [file["status"] for file in found["files"]] == ["completed", "failed", "completed"]
        assert found["files"][0]["result"].startswith("WEBVTT\n")
        assert found["files"][1]["error"]["code"] == "invalid_request"
        assert found["files"][2]["result"].startswith("WEBVTT\n")
        listed = (await http.get("/v1/jobs")).json()["data"]
        assert [job["id"] for job in listed] == [found["id"]]
        assert (await http.delete(path)).json()["deleted"] is True
        assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "files", "status"),
    [
        ({"model": "whisper-1"}, [("other", SOUND)], 400),
        ({"model": "nothing"}, [("file", SOUND)], 404),
        ({"model": "whisper-1", "stream": "true"}, [("file", SOUND)], 400),
        ({"model": "whisper-1"}, [("file", (None, "text"))], 400),
        ({"model": "whisper-1"}, [("file", SOUND)] * 17, 400),
    ],
)
async def test_a_bad_job_is_refused(
    sphinx: Process, fields: dict[str, str], files: list[Any], status: int
) -> None:
    async with httpx.AsyncClient(base_url=sphinx.http, trust_env=False) as http:
        made = await http.post("/v1/jobs", data=fields, files=files)
        assert made.status_code == status
