"""Sessions opened, talked, cut off, resumed and deleted, many times over real sockets."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.conversation.sockets import services
from tests.bench.report import Table, spread
from tests.running.redis import RedisServer
from tests.running.service import ServiceProcess


@dataclass
class Tally:
    """What went wrong, and how long coming back took."""

    lost: int = 0
    doubled: int = 0
    unfinished: int = 0
    resumes_s: list[float] = field(default_factory=list)
    rss_mib: list[tuple[int, float]] = field(default_factory=list)


async def _until(line: ClientConnection, seen: list[dict[str, Any]], *kinds: str) -> None:
    async with asyncio.timeout(30):
        while True:
            frame = await line.recv()
            if isinstance(frame, str):
                seen.append(json.loads(frame))
                if seen[-1]["type"] in kinds:
                    return


async def _one(http: httpx.AsyncClient, tally: Tally) -> None:
    """One session's life: cut off in mid-reply, resumed from what was seen."""
    session = (await http.post("/v2/sessions", json={})).json()
    seen: list[dict[str, Any]] = []
    line = await connect(session["ws_url"], compression=None, proxy=None)
    await line.send('{"type":"text","text":"hello","id":"m1"}')
    await _until(line, seen, "audio.start")
    line.transport.abort()
    began = time.perf_counter()
    async with connect(session["ws_url"], compression=None, proxy=None) as again:
        resume = {"type": "resume", "token": session["resume_token"], "last_seq": seen[-1]["seq"]}
        await again.send(json.dumps(resume))
        await again.send('{"type":"text","text":"hello","id":"m1"}')
        await _until(again, seen, "session")
        tally.resumes_s.append(time.perf_counter() - began)
        await _until(again, seen, "ack")
    numbers = [event["seq"] for event in seen]
    tally.doubled += len(numbers) - len(set(numbers))
    tally.lost += numbers[-1] - len(set(numbers))
    tally.unfinished += "reply.done" not in {event["type"] for event in seen}
    tally.doubled += sum(event["type"] == "transcript" for event in seen) - 1
    await http.delete(f"/v2/sessions/{session['session_id']}")


async def measure(server: RedisServer, count: int, at_once: int) -> Table:
    """``count`` lives, ``at_once`` at a time."""
    tally = Tally()
    with services() as (asr, tts):
        settings = {"ASR_URL": asr, "TTS_URL": tts, "REDIS_URL": server.url}
        with ServiceProcess("orchestrator", **settings) as orchestrator:
            process = psutil.Process(orchestrator.pid)
            limits = httpx.Limits(max_connections=at_once)
            async with httpx.AsyncClient(
                base_url=orchestrator.url, trust_env=False, limits=limits, timeout=60
            ) as http:
                done = 0
                while done < count:
                    batch = min(at_once, count - done)
                    await asyncio.gather(*(_one(http, tally) for _ in range(batch)))
                    done += batch
                    if done in (batch, count) or not done % (count // 5):
                        tally.rss_mib.append((done, process.memory_info().rss / 2**20))
                with contextlib.suppress(httpx.HTTPError):
                    left = (await http.get("/v2/sessions")).json()["sessions"]
    memory = ", ".join(f"{rss:.1f} after {done}" for done, rss in tally.rss_mib)
    median, p95, worst = spread(tally.resumes_s)
    return Table(
        f"{count} sessions opened, talked, cut off in mid-reply, resumed, deleted",
        (
            "lost events",
            "doubled events",
            "replies without an end",
            "sessions left",
            "resume p50 ms",
            "p95 ms",
            "max ms",
        ),
        [
            (
                str(tally.lost),
                str(tally.doubled),
                str(tally.unfinished),
                str(len(left)),
                median,
                p95,
                worst,
            )
        ],
        (
            f"{at_once} at a time, instant ASR and TTS, sessions in Redis. A resume is timed from"
            " the new socket's handshake to the `session` event behind the replay.",
            f"Memory of the orchestrator, MiB: {memory}.",
        ),
    )
