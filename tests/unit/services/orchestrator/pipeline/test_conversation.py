"""A dialogue come alive, with services that answer at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.orchestrator.llm.base import Message
from services.orchestrator.metrics import OrchestratorMetrics
from services.orchestrator.pipeline.conversation import Conversation
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.fillers import Fillers
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.history import History
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.parts import Parts
from services.orchestrator.pipeline.ports import Piece
from services.orchestrator.pipeline.thinking import Thinking
from shared.clock import SystemClock
from shared.errors import InvalidRequest
from shared.protocol import conversation as wire
from shared.protocol.base import Message as Event
from tests.bench.conversation.inprocess import Ears, Mind, Voice
from tests.bench.conversation.script import REPLY, SENTENCE


class Client:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.audio = 0
        self.kept: Sequence[Message] = ()
        self._came = asyncio.Condition()

    def tell(self, message: Event) -> None:
        """An event."""
        self.events.append(message)

    def play(self, pcm: bytes) -> None:
        """Audio."""
        self.audio += len(pcm)

    def keep(self, messages: Sequence[Message]) -> None:
        """The history."""
        self.kept = tuple(messages)

    def kinds(self) -> list[str]:
        """Types of the events."""
        return [str(getattr(event, "type", "")) for event in self.events]


class Endless(Voice):
    """Never stops speaking."""

    made = 0

    async def speak(self, text: AsyncIterator[str]) -> AsyncGenerator[Piece, None]:
        """Second after second."""
        async for _ in text:
            break
        while True:
            self.made += 1
            yield Piece(SENTENCE, Spoken(0, 1))


@asynccontextmanager
async def talking(voice: Voice) -> AsyncIterator[tuple[Conversation, Client]]:
    client = Client()
    parts = Parts(
        dialogue=Dialogue(Options()),
        hearing=Ears(),
        speech=voice,
        thinking=Thinking(Mind(), None, ""),
        history=History("", budget=1000),
        outlet=client,
        fillers=Fillers(),
        clock=SystemClock(),
        metrics=OrchestratorMetrics(),
    )
    conversation = Conversation(parts)
    task = asyncio.create_task(conversation.run())
    try:
        yield conversation, client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settle() -> None:
    """Let every task do what it can without time passing."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_turn_is_thought_spoken_and_kept() -> None:
    async with talking(Voice()) as (conversation, client):
        await settle()
        conversation.happen(wire.Text(text="book a table"))
        await settle()
        assert client.audio > 0
        assert client.kinds()[:3] == ["transcript", "state", "reply.delta"]
        conversation.happen(wire.Interrupt())
        assert "audio.clear" in client.kinds()
        assert conversation.idle.is_set()
    assert client.kept[0] == Message("user", "book a table")
    assert "".join(REPLY).startswith(client.kept[-1].content) or len(client.kept) == 1


async def test_a_voice_is_not_read_further_than_is_of_use() -> None:
    voice = Endless()
    async with talking(voice) as (conversation, _):
        await settle()
        conversation.happen(wire.Text(text="tell me everything"))
        await settle()
        assert 20 <= voice.made <= 25
        conversation.happen(wire.Interrupt())
        await settle()
        assert voice.made <= 25


async def test_after_an_interruption_the_voice_may_make_more() -> None:
    voice = Endless()
    async with talking(voice) as (conversation, _):
        await settle()
        conversation.happen(wire.Text(text="tell me everything"))
        await settle()
        conversation.happen(wire.Interrupt())
        await settle()
        made = voice.made
        conversation.happen(wire.Text(text="and the rest"))
        await settle()
        assert voice.made >= made + 20


async def test_a_line_that_is_gone_ends_the_reply_and_its_clock() -> None:
    async with talking(Voice()) as (conversation, client):
        await settle()
        conversation.happen(wire.Text(text="book a table"))
        await settle()
        assert not conversation.idle.is_set()
        timer = conversation._timer
        assert timer is not None
        conversation.hang_up()
        assert "reply.done" in client.kinds()
        assert timer.cancelled()
        assert conversation.idle.is_set()


async def test_what_ends_in_the_middle_of_a_reply_leaves_no_timer() -> None:
    async with talking(Voice()) as (conversation, _):
        await settle()
        conversation.happen(wire.Text(text="book a table"))
        await settle()
        assert conversation._timer is not None
    assert conversation._timer is None or conversation._timer.cancelled()


async def test_the_audios_format_is_settled_by_the_first_audio() -> None:
    async with talking(Voice()) as (conversation, _):
        await conversation.configure(wire.Config(sample_rate=8_000))
        await conversation.microphone(bytes(320))
        with pytest.raises(InvalidRequest) as caught:
            await conversation.configure(wire.Config(sample_rate=16_000))
        assert caught.value.param == "sample_rate"
        await conversation.configure(wire.Config(language="de"))
