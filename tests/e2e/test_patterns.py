"""The four ways to put the services together, with real processes.

Services alone: ``test_readme.py`` and ``test_cli.py``. From ASR to TTS through the orchestrator:
``test_conversation.py``. With an LLM at the orchestrator: ``tests/faults``. Here the client holds
the pipeline, as the example in ``docs/cli.md`` does: ASR, an LLM of its own, TTS.
"""

import asyncio
import os
import re
import sys
import wave
from pathlib import Path

import httpx

from deploy.locks.lock import ROOT
from tests.doubles.llm_server import ScriptedLlm, says
from tests.e2e.conftest import Stack

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "cli.md").read_text(), re.DOTALL)
[EXAMPLE] = [block for block in BLOCKS if "async def think" in block]
MORNING = "What a beautiful morning."


def record(stack: Stack, path: Path) -> None:
    """The sentence as a sound file."""
    body = {"input": MORNING, "model": "tts-1", "voice": "alloy", "response_format": "wav"}
    answer = httpx.post(f"{stack.tts.url}/v1/audio/speech", json=body, trust_env=False)
    path.write_bytes(answer.raise_for_status().content)


async def test_a_client_holds_the_pipeline_without_an_orchestrator(
    stack: Stack, tmp_path: Path
) -> None:
    record(stack, tmp_path / "morning.wav")
    tokens = ("Yes, ", "the sun ", "is up. ", "Let us ", "go out.")
    async with ScriptedLlm(says(*tokens)).running() as llm:
        urls = {"http://127.0.0.1:11434/v1": llm.url}
        urls |= {"http://127.0.0.1:8001": stack.asr.url, "http://127.0.0.1:8002": stack.tts.url}
        script = EXAMPLE
        for shown, real in urls.items():
            assert shown in script
            script = script.replace(shown, real)
        printed = await ran(script, tmp_path)
    asked = llm.requests[0]["messages"][-1]["content"]
    assert re.search(r"\w", asked)
    assert printed.startswith(f"you: {asked}\n{''.join(tokens)}")
    with wave.open(str(tmp_path / "answer.wav")) as answer:
        assert answer.getnframes() / answer.getframerate() > 1.0


async def ran(script: str, folder: Path) -> str:
    """What it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()
