"""The whole stack as processes, of which each can be killed and comes back at its address."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from tests.faults.caller import Caller, calling
from tests.running.process import free_port
from tests.running.redis import RedisServer
from tests.running.service import ServiceProcess

Part = Literal["asr", "tts", "llm", "redis", "orchestrator"]
PARTS: tuple[Part, ...] = ("asr", "tts", "llm", "redis", "orchestrator")


class Stack:
    """Real services, a real Redis, and a double for the LLM that says what it is given."""

    def __init__(self, folder: Path) -> None:
        self._script = folder / "script.txt"
        self._redis = RedisServer(folder)
        self._running: dict[Part, ServiceProcess] = {}
        self._ports: dict[Part, int] = {part: free_port() for part in PARTS}
        self._settings: dict[Part, dict[str, str]] = {
            "asr": {"ASR_ENGINE": "sphinx", "ASR_SMART_TURN_DEADLINE_MS": "5000"},
            "tts": {"TTS_ENGINE": "espeak"},
            "llm": {"module": "tests.doubles.llm_process", "LLM_SCRIPT": str(self._script)},
            "orchestrator": {
                "ASR_URL": self._url("asr"),
                "TTS_URL": self._url("tts"),
                "LLM_BASE_URL": f"{self._url('llm')}/v1",
                "REDIS_URL": self._redis.url,
            },
        }

    def _url(self, part: Part) -> str:
        return f"http://127.0.0.1:{self._ports[part]}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Stack"]:
        """Everything, for as long as the context lasts."""
        self.scripts("")
        try:
            async with asyncio.TaskGroup() as group:
                for part in PARTS:
                    group.create_task(self.rises(part))
            yield self
        finally:
            await asyncio.gather(*(asyncio.to_thread(p.stop) for p in self._running.values()))
            await self._redis.stop()

    async def rises(self, part: Part) -> None:
        """Start it, and wait until it is ready."""
        if part == "redis":
            await self._redis.start()
            return
        port = {f"{part.upper()}_PORT": str(self._ports[part])}
        process = ServiceProcess(part, **port, **self._settings[part])
        self._running[part] = process
        await asyncio.to_thread(process.__enter__)

    async def dies(self, part: Part) -> None:
        """SIGKILL."""
        if part == "redis":
            await self._redis.stop(signal.SIGKILL)
        else:
            await asyncio.to_thread(self._running.pop(part).kill)

    def scripts(self, text: str) -> None:
        """What the LLM says from now on; it is done where a line ends."""
        self._script.write_text(text)

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[Caller]:
        """A user in a new session."""
        async with calling(self._url("orchestrator")) as caller:
            yield caller
