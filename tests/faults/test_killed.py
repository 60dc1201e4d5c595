"""Each part killed at each stage of a turn: the client is told, and the conversation goes on.

Parts and stages are as the user sees them: listening while the user speaks, thinking before the
first token, speaking in the middle of the reply, idle between turns. The LLM is a double that
says what the test gives it; everything else is real.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio

from tests.audio.speech import speech
from tests.faults.caller import Caller
from tests.faults.stack import PARTS, Part, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

Stage = Literal["listening", "thinking", "speaking", "idle"]
STAGES: tuple[Stage, ...] = ("listening", "thinking", "speaking", "idle")
QUESTION = speech("Please tell me a story.")
HALF = len(QUESTION) // 2
STORY = "There was a ship. "
ENDING = "It sank.\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(Path(tmp_path_factory.mktemp("faults"))).running() as running:
        yield running


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("part", PARTS)
async def test_a_part_is_killed_and_comes_back(
    part: Part, stage: Stage, stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    async with stack.calling() as caller:
        await brought_to(stage, stack, caller)
        before = len(caller.kinds())
        await stack.dies(part)
        await AWAY[part](stage, stack, caller)
        await stack.rises(part)
        ready = time.monotonic()
        await BACK[part](stage, stack, caller)
        back_s = time.monotonic() - ready
        seen = " ".join(caller.kinds()[before:])
        if part == "asr":
            assert (await caller.until("transcript"))["text"]
        if part in ("asr", "tts", "llm"):
            await caller.until("reply.done")
            await caller.until("state", value="idle")
        await answered(stack, caller)
        numbers = [event["seq"] for event in caller.events if "seq" in event]
        assert numbers == sorted(set(numbers))
    for name, value in (("part", part), ("stage", stage), ("back_s", back_s), ("saw", seen)):
        record_property(name, value)


# -- the stages ------------------------------------------------------------------------------


async def brought_to(stage: Stage, stack: Stack, caller: Caller) -> None:
    """A turn as far as that."""
    match stage:
        case "listening":
            stack.scripts(STORY + ENDING)
            await caller.speaks(QUESTION[:HALF])
            await caller.until("state", value="listening")
        case "thinking":
            stack.scripts("")
            await caller.types("Tell me a story.")
            await caller.until("state", value="thinking")
        case "speaking":
            stack.scripts(STORY)
            await caller.types("Tell me a story.")
            await caller.until("audio.start")
        case "idle":
            await answered(stack, caller)


async def ended(stack: Stack, caller: Caller) -> None:
    """The reply under way is finished as if nothing had happened."""
    stack.scripts(STORY + ENDING)
    done = await caller.until("reply.done")
    assert (done["text"], done["interrupted"]) == ((STORY + ENDING).strip(), False)
    await caller.until("state", value="idle")


async def answered(stack: Stack, caller: Caller) -> None:
    """A turn from the first to the last sound."""
    stack.scripts("I am here.\n")
    before = caller.audio
    await caller.types("Are you there?")
    done = await caller.until("reply.done")
    assert (done["text"], done["interrupted"]) == ("I am here.", False)
    await caller.until("state", value="idle")
    assert caller.audio > before


# -- what the client sees while a part is away -----------------------------------------------


async def without_ears(stage: Stage, stack: Stack, caller: Caller) -> None:
    """Told at once. A reply goes on; the microphone is kept for later."""
    error = await caller.until("error")
    assert (error["code"], error["retryable"]) == ("upstream_failed", True)
    if stage in ("thinking", "speaking"):
        await ended(stack, caller)
    await caller.speaks(QUESTION[HALF:] if stage == "listening" else QUESTION)
    await caller.pauses()


async def without_voice(stage: Stage, stack: Stack, caller: Caller) -> None:
    """A reply that is being heard ends with an error; one that is not waits for the voice."""
    match stage:
        case "listening":
            await caller.speaks(QUESTION[HALF:])
            await caller.pauses()
            await caller.until("reply.delta")
        case "thinking":
            stack.scripts(STORY + ENDING)
            assert (await caller.until("error"))["code"] == "upstream_failed"
            await caller.until("state", value="idle")
        case "speaking":
            assert (await caller.until("error"))["code"] == "upstream_failed"
            await caller.until("state", value="idle")
        case "idle":
            pass  # nothing was lost: the line is opened again when it is wanted


async def without_mind(stage: Stage, stack: Stack, caller: Caller) -> None:
    """Told, and apologised for aloud."""
    del stack
    if stage == "listening":
        await caller.speaks(QUESTION[HALF:])
        await caller.pauses()
    elif stage == "idle":
        await caller.types("Tell me a story.")
    error = await caller.until("error")
    assert (error["code"], error["retryable"]) == ("upstream_failed", True)
    assert "sorry" in (await caller.until("reply.done"))["text"]
    assert caller.audio
    await caller.until("state", value="idle")


async def without_store(stage: Stage, stack: Stack, caller: Caller) -> None:
    """The turn goes on; the client knows that it could not be resumed now."""
    match stage:
        case "listening":
            await caller.speaks(QUESTION[HALF:])
            await caller.pauses()
            await caller.until("transcript")
        case "idle":
            await caller.types("Tell me a story.")
        case _:
            pass
    await ended(stack, caller)
    assert "quality" in caller.kinds()


async def without_line(stage: Stage, stack: Stack, caller: Caller) -> None:
    """The line is closed; the client tries until there is another."""
    del stage, stack, caller


AWAY: dict[Part, Callable[[Stage, Stack, Caller], Awaitable[None]]] = {
    "asr": without_ears,
    "tts": without_voice,
    "llm": without_mind,
    "redis": without_store,
    "orchestrator": without_line,
}


# -- the first sign of its going on ----------------------------------------------------------


async def hears(stage: Stage, stack: Stack, caller: Caller) -> None:
    """What was said while nobody listened is heard."""
    del stage
    stack.scripts(STORY + ENDING)
    await caller.until("state", value="listening")


async def speaks(stage: Stage, stack: Stack, caller: Caller) -> None:
    """The reply that waited is heard, or the next one."""
    if stage != "listening":
        stack.scripts(STORY + ENDING)
        await caller.types("Tell me a story.")
    await caller.until("audio.start")


async def thinks(stage: Stage, stack: Stack, caller: Caller) -> None:
    """The next question is answered."""
    del stage
    stack.scripts(STORY + ENDING)
    await caller.types("Tell me a story.")
    await caller.until("reply.delta")


async def remembers(stage: Stage, stack: Stack, caller: Caller) -> None:
    """Everything can be resumed again."""
    del stage, stack
    await caller.until("quality", level="good")


async def resumes(stage: Stage, stack: Stack, caller: Caller) -> None:
    """What was under way is declared over, and the session lives."""
    del stack
    if stage in ("thinking", "speaking"):
        assert (await caller.until("reply.done"))["interrupted"]
    await caller.until("session", resumed=True)
    if stage == "speaking":
        assert "audio.clear" in caller.kinds()
    states = [event["value"] for event in caller.events if event["type"] == "state"]
    assert not states or states[-1] == "idle"


BACK: dict[Part, Callable[[Stage, Stack, Caller], Awaitable[None]]] = {
    "asr": hears,
    "tts": speaks,
    "llm": thinks,
    "redis": remembers,
    "orchestrator": resumes,
}
