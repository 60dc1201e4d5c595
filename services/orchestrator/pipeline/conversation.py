"""A dialogue come alive: its actions done with real ears, a real voice and a real mind."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from services.orchestrator.llm.base import Message
from services.orchestrator.pipeline import actions, events
from services.orchestrator.pipeline.attempt import Attempt
from services.orchestrator.pipeline.microphone import Microphone
from services.orchestrator.pipeline.parts import Parts
from services.orchestrator.pipeline.state import State
from shared.audio.pcm import Encoding
from shared.errors import InvalidRequest, ParleyError
from shared.protocol import asr, conversation
from shared.protocol.base import ErrorMessage, WarningMessage

log = logging.getLogger(__name__)

_FORMAT = {"sample_rate", "encoding", "channels"}
_HEARING = _FORMAT | {"language", "environment", "vad"}
_MOST_WAITING_S = 20.0
"""Audio that is made ahead of what is sent; beyond it the voice is not read."""


class Conversation:
    """Runs one dialogue until it is cancelled.

    All events go through :meth:`happen` on one event loop, so the dialogue needs no lock;
    a task is made per reply and service, none per frame.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._dialogue = parts.dialogue
        self._microphone = Microphone()
        self._listening = False
        """Audio has come: its format is settled."""
        self._attempt: Attempt | None = None
        """Of the newest generation."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._group = asyncio.TaskGroup()
        self.idle = asyncio.Event()
        """Set while nobody speaks and nothing is under way."""
        self.idle.set()
        self._room = asyncio.Event()
        """Set while the voice may make more audio."""
        self._room.set()
        self._doers: dict[type, Callable[[Any], None]] = {
            actions.Tell: self._tell,
            actions.Play: self._play,
            actions.Think: self._think,
            actions.Say: self._say,
            actions.EndSaying: self._end_saying,
            actions.Stop: self._stop,
            actions.Fill: self._fill,
            actions.Remember: self._remember,
            actions.Count: self._count,
        }

    async def run(self) -> None:
        """Listen and answer.

        Raises:
            ParleyError: the recogniser refused or stays away.
        """
        try:
            async with self._group:
                if self._parts.with_fillers:
                    self._group.create_task(self._prepare_fillers())
                self._group.create_task(self._announce())
                await self._listen()
        except ExceptionGroup as group:
            error = _only(group)
            raise error from group
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def microphone(self, frame: bytes) -> None:
        """A frame of the microphone; waits while the recogniser does not take it."""
        self._listening = True
        microphone, dialogue = self._microphone, self._dialogue
        dialogue.advance(microphone.seconds(frame))
        now = self._parts.clock.now()
        if dialogue.alert(now):
            dialogue.microphone(microphone.plain(frame), now)
        await self._parts.hearing.feed(frame)

    async def silence(self, message: conversation.Silence) -> None:
        """The client withholds silence."""
        self._dialogue.advance(message.ms / 1000)
        await self._parts.hearing.tell(asr.Silence(ms=message.ms))

    async def configure(self, config: conversation.Config) -> None:
        """Change the session's settings; the audio's format before the first audio only.

        Raises:
            InvalidRequest: audio has come already.
        """
        wanted = config.model_dump(exclude_none=True)
        form = _FORMAT & wanted.keys()
        if form and self._listening:
            raise InvalidRequest("audio has come: its format is settled", param=min(form))
        old = self._microphone
        self._microphone = Microphone(
            Encoding(config.encoding or old.encoding),
            config.sample_rate or old.sample_rate,
            config.channels or old.channels,
        )
        self._dialogue.configure(
            language=config.language,
            sensitivity=config.sensitivity,
            microphone_rate=config.sample_rate,
        )
        if config.system_prompt is not None:
            self._parts.history.system = config.system_prompt
        self._parts.speech.use(config.voice_id, config.language)
        if changes := {key: getattr(config, key) for key in _HEARING & wanted.keys()}:
            await self._parts.hearing.configure(changes)

    def settle(self, result: conversation.ToolResult) -> None:
        """The client has run a tool.

        Raises:
            NotFound: no call of that id waits for it.
        """
        self._parts.thinking.settle(result)

    def happen(self, event: object) -> None:
        """Something happened; do what the dialogue makes of it."""
        self._do(self._dialogue.handle(event, self._parts.clock.now()))

    def hang_up(self) -> None:
        """The line is gone: what was not heard is not history."""
        if self._dialogue.state is not State.IDLE:
            self.happen(conversation.Interrupt())
        if self._timer is not None:
            self._timer.cancel()

    async def _listen(self) -> None:
        async for message in self._parts.hearing.listen():
            if isinstance(message, WarningMessage):
                told = conversation.EventWarning(code=message.code, message=message.message)
                self._parts.outlet.tell(told)
            elif isinstance(message, ErrorMessage):
                error = message.model_dump(exclude={"type"})
                self._parts.outlet.tell(conversation.EventError(**error))
            else:
                self.happen(message)

    # -- time ----------------------------------------------------------------------------

    def _do(self, wanted: list[actions.Action]) -> None:
        for action in wanted:
            self._doers[type(action)](action)
        if self._dialogue.state is State.IDLE:
            self.idle.set()
        else:
            self.idle.clear()
        if self._dialogue.waiting_s < _MOST_WAITING_S:
            self._room.set()
        else:
            self._room.clear()
        self._arm()

    def _arm(self) -> None:
        at = self._dialogue.deadline
        if at == self._timer_at and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = at
        if at is not None:
            delay = max(0.0, at - self._parts.clock.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._timer = self._timer_at = None
        self._do(self._dialogue.tick(self._parts.clock.now()))

    # -- doing ---------------------------------------------------------------------------

    def _tell(self, action: actions.Tell) -> None:
        self._parts.outlet.tell(action.message)
        if isinstance(action.message, conversation.TurnMetrics):
            self._parts.metrics.turn(action.message)
            log.info("turn", extra={"timeline": action.message.model_dump(exclude_none=True)})

    def _play(self, action: actions.Play) -> None:
        self._parts.outlet.play(action.pcm)

    def _think(self, action: actions.Think) -> None:
        self._attempt = Attempt(
            action.generation, self._parts, self.happen, self._group, self._room
        )
        self._attempt.think(action.said)

    def _say(self, action: actions.Say) -> None:
        if self._attempt is not None:
            self._attempt.say(action.text)

    def _end_saying(self, _: actions.EndSaying) -> None:
        if self._attempt is not None:
            self._attempt.end_saying()

    def _stop(self, _: actions.Stop) -> None:
        if self._attempt is not None:
            self._attempt.stop()
            self._attempt = None

    def _fill(self, action: actions.Fill) -> None:
        speech = self._parts.speech
        clip = self._parts.fillers.pick(speech.voice_id, speech.language)
        if self._parts.with_fillers and clip is not None:
            self.happen(events.FillerMade(action.generation, clip.text, clip.pcm))

    def _remember(self, action: actions.Remember) -> None:
        self._parts.history.add(Message(action.role, action.text))
        self._parts.outlet.keep(self._parts.history.messages)
        if action.role == "user" and self._attempt is not None:
            self._attempt.confirmed.set()

    def _count(self, action: actions.Count) -> None:
        self._parts.metrics.count(action.what, action.value)

    async def _announce(self) -> None:
        """Tell of tools that ran meanwhile, each when nobody speaks."""
        async for announcement in self._parts.thinking.announcements():
            await self.idle.wait()
            self.happen(events.Announced(announcement.text))

    async def _prepare_fillers(self) -> None:
        parts = self._parts
        try:
            await parts.fillers.prepare(parts.speech)
        except ParleyError as error:
            log.warning("no fillers for now", extra={"code": error.code})


def _only(group: ExceptionGroup[Exception]) -> Exception:
    """The error that ended the conversation: one that clients know, before a bug."""
    known = group.subgroup(ParleyError)
    error = (known or group).exceptions[0]
    return _only(error) if isinstance(error, ExceptionGroup) else error
