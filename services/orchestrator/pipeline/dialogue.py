"""The turn machine of a conversation: what happened in, what to do out.

Sans-I/O: no socket, task or clock. Time comes with every event; between events the
adapter calls :meth:`Dialogue.tick` at :attr:`Dialogue.deadline`. :class:`Listening` knows
the user's side, :class:`Replying` the assistant's; here only their events are told apart.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.orchestrator.config import Prices
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.actions import Action
from services.orchestrator.pipeline.echo import EchoGuard
from services.orchestrator.pipeline.listening import Listening
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.replying import Replying
from services.orchestrator.pipeline.stage import Stage
from services.orchestrator.pipeline.state import State
from shared.protocol import asr, conversation

_TAIL_S = 1.0
"""An echo may be heard this long after the reply."""


class Dialogue:
    """One conversation."""

    def __init__(self, options: Options, prices: Prices | None = None, *, turns: int = 0) -> None:
        self._echo = EchoGuard(microphone_rate=options.microphone_rate)
        self._stage = Stage(options)
        self._replying = Replying(self._stage, self._echo, prices or Prices(), turns)
        self._listening = Listening(self._stage, self._replying, self._echo)
        listening, replying = self._listening, self._replying
        self._handlers: dict[type, Callable[[Any], None]] = {
            asr.SpeechStart: listening.speech_started,
            asr.SpeechEnd: listening.speech_paused,
            asr.Partial: listening.partial,
            asr.Candidate: listening.candidate,
            asr.TurnEnd: listening.turn_ended,
            asr.Final: listening.final,
            events.HearingFailed: listening.failed,
            events.MindSaid: replying.mind_said,
            events.MindTold: replying.mind_told,
            events.MindDone: replying.mind_done,
            events.MindFailed: replying.mind_failed,
            events.SpeechMade: replying.speech_made,
            events.SpeechDone: replying.speech_done,
            events.SpeechFailed: replying.speech_failed,
            events.FillerMade: replying.filler_made,
            events.Announced: self._announced,
            conversation.Text: self._typed,
            conversation.Interrupt: self._interrupt,
            conversation.Playback: self._playback,
        }

    @property
    def state(self) -> State:
        """What the assistant is doing."""
        return self._stage.state

    @property
    def generation(self) -> int:
        """Of the newest reply that was begun."""
        return self._replying.generation

    @property
    def waiting_s(self) -> float:
        """Seconds of the reply's audio that wait to be sent."""
        return self._replying.waiting_s

    @property
    def deadline(self) -> float | None:
        """When :meth:`tick` is due; None: not before the next event."""
        times = (self._listening.next_at, self._replying.next_at)
        return min((at for at in times if at is not None), default=None)

    def handle(self, event: object, now: float) -> list[Action]:
        """Something happened: the recogniser, the client, the model or the synthesiser.

        Raises:
            KeyError: no dialogue knows this kind of event (the adapter's bug).
        """
        return self._step(lambda: self._handlers[type(event)](event), now)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        return self._step(self._on_time, now)

    def configure(
        self, *, language: str | None, sensitivity: float | None, microphone_rate: int | None
    ) -> None:
        """Change options that a client may change; None leaves one as it is."""
        wanted = {"language": language, "sensitivity": sensitivity}
        changes = {key: value for key, value in wanted.items() if value is not None}
        self._stage.options = replace(self._stage.options, **changes)  # type: ignore[arg-type]
        self._listening.configured()
        if microphone_rate is not None:
            self._echo.microphone_rate = microphone_rate

    def advance(self, seconds: float) -> None:
        """So much more of the microphone's stream went to the recogniser."""
        self._listening.heard_s += seconds

    def alert(self, now: float) -> bool:
        """Whether the microphone may be hearing the reply, so that its frames are wanted."""
        last = self._replying.last
        return self._replying.audible or (last is not None and now - last.at < _TAIL_S)

    def microphone(self, pcm: bytes, now: float) -> None:
        """A frame of the microphone (s16le mono at the options' rate), heard until ``now``."""
        self._echo.hear(pcm, now)

    def _step(self, act: Callable[[], None], now: float) -> list[Action]:
        before, self._stage.now = self._replying.reply, now
        act()
        if before is not None and self._replying.reply is None:
            self._listening.after_reply()
        return self._stage.take()

    def _on_time(self) -> None:
        self._listening.tick()
        self._replying.tick()

    def _typed(self, event: conversation.Text) -> None:
        self._interrupt()
        self._replying.discard()
        reply = self._replying.begin(event.text)
        reply.times.began = self._stage.now
        self._replying.confirm(reply, event.text)

    def _announced(self, event: events.Announced) -> None:
        reply = self._replying.begin(event.text)
        reply.times.began = self._stage.now
        self._replying.confirm(reply, event.text, told=False)

    def _interrupt(self, _: conversation.Interrupt | None = None) -> None:
        self._listening.interrupt()

    def _playback(self, event: conversation.Playback) -> None:
        self._replying.playback(event.turn_id, event.played_ms / 1000)
