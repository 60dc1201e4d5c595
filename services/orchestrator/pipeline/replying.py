"""The assistant's side of a dialogue: from the words heard to what is remembered of the answer."""

from dataclasses import dataclass

from services.orchestrator.config import Prices
from services.orchestrator.pipeline.actions import (
    Count,
    EndSaying,
    Fill,
    Remember,
    Say,
    Stop,
    Think,
)
from services.orchestrator.pipeline.echo import EchoGuard
from services.orchestrator.pipeline.events import (
    FillerMade,
    MindDone,
    MindFailed,
    MindSaid,
    MindTold,
    SpeechDone,
    SpeechFailed,
    SpeechMade,
)
from services.orchestrator.pipeline.playout import Playout
from services.orchestrator.pipeline.reply import Reply
from services.orchestrator.pipeline.sounding import Sounding
from services.orchestrator.pipeline.stage import Stage
from services.orchestrator.pipeline.state import State
from shared.protocol.base import ErrorMessage
from shared.protocol.conversation import (
    EventError,
    ReplyDelta,
    ReplyDone,
    TranscriptEvent,
)


@dataclass(frozen=True, slots=True)
class LastReply:
    """What an echo may still be of."""

    at: float
    """When it was over."""
    text: str


class Replying:
    """Holds the current reply; whatever comes of an older generation is dropped here."""

    def __init__(self, stage: Stage, echo: EchoGuard, prices: Prices, turns: int) -> None:
        self._stage = stage
        self._sounding = Sounding(stage, echo)
        self._prices = prices
        self.generation = 0
        self._turns = turns
        self.reply: Reply | None = None
        self.last: LastReply | None = None
        """The reply before."""

    # -- beginning and confirming ------------------------------------------------------

    def begin(self, said: str) -> Reply:
        """Start thinking of a reply to ``said``; the one before must be over."""
        self.generation += 1
        playout = Playout(self._stage.options.ahead_s)
        reply = self.reply = Reply(self.generation, said, playout)
        reply.times.thinking = self._stage.now
        self._stage.act(Think(self.generation, said))
        return reply

    def confirm(
        self,
        reply: Reply,
        said: str,
        language: str | None = None,
        confidence: float | None = None,
        *,
        told: bool = True,
    ) -> None:
        """The user's turn is over: what was thought ahead may be shown and spoken.

        Args:
            told: whether the client is told what was said; not of what the user did not say.
        """
        stage = self._stage
        self._turns += 1
        reply.turn_id, reply.said, reply.confirmed = f"turn_{self._turns}", said, True
        if told:
            stage.tell(
                TranscriptEvent(
                    text=said, turn_id=reply.turn_id, language=language, confidence=confidence
                )
            )
        if stage.options.filler_after_s is not None:
            reply.filler_at = stage.now + stage.options.filler_after_s
        stage.act(Remember("user", reply.said))
        stage.go(State.THINKING)
        self._speak_on(reply)

    @property
    def audible(self) -> bool:
        """Whether the user hears something of the reply, or is about to."""
        return self.reply is not None and self.reply.audible

    @property
    def waiting_s(self) -> float:
        """Seconds of audio that were made and not sent."""
        return (
            0.0 if self.reply is None else self.reply.playout.queued_s - self.reply.playout.sent_s
        )

    def discard(self) -> None:
        """Drop an unconfirmed reply without trace."""
        if self.reply is not None and not self.reply.confirmed:
            self._stage.act(Stop(self.reply.generation))
            self._stage.act(Count("speculations_dropped"))
            self.reply = None

    # -- text --------------------------------------------------------------------------

    def _current(self, generation: int) -> Reply | None:
        reply = self.reply
        return reply if reply is not None and reply.generation == generation else None

    def mind_said(self, event: MindSaid) -> None:
        """More text."""
        if (reply := self._current(event.generation)) is None:
            return
        if reply.times.first_token is None:
            reply.times.first_token = self._stage.now
        reply.text += event.text
        self._speak_on(reply)

    def mind_told(self, event: MindTold) -> None:
        """A tool's call, progress or result."""
        if (reply := self._current(event.generation)) is not None and reply.confirmed:
            self._stage.tell(event.message.model_copy(update={"turn_id": reply.turn_id}))

    def mind_done(self, event: MindDone) -> None:
        """The text is whole."""
        if (reply := self._current(event.generation)) is None:
            return
        reply.whole = True
        reply.times.input_tokens = event.usage.input_tokens
        reply.times.output_tokens = event.usage.output_tokens
        reply.times.tier = event.usage.tier
        reply.times.cache = event.usage.cache
        self._speak_on(reply)

    def mind_failed(self, event: MindFailed) -> None:
        """Tell, and apologise aloud."""
        if (reply := self._current(event.generation)) is None:
            return
        if not reply.confirmed:
            self.discard()
            return
        self._fail(reply, EventError.of(event.error))
        glue = " " if reply.text and not reply.text[-1].isspace() else ""
        reply.text += glue + self._stage.options.apology
        reply.whole = True
        self._speak_on(reply)

    def _fail(self, reply: Reply, error: ErrorMessage) -> None:
        reply.failed, reply.filler_at = True, None
        self._stage.tell(error)
        self._stage.go(State.ERROR)
        self._stage.act(Count("turns_failed"))

    def _speak_on(self, reply: Reply) -> None:
        """Show and speak what is new, once the turn is confirmed."""
        if not reply.confirmed or reply.torn:
            return
        stage, new = self._stage, reply.text[reply.shown :]
        reply.shown = len(reply.text)
        if new:
            stage.tell(ReplyDelta(turn_id=reply.turn_id, text=new))
        pieces = reply.clauses.add(new)
        if reply.whole:
            pieces.append(reply.clauses.rest())
        for piece in pieces:
            if piece.strip():
                reply.times.first_say = reply.times.first_say or stage.now
                reply.times.characters += len(piece)
                stage.act(Say(reply.generation, piece))
        if reply.whole and reply.times.first_say is not None:
            stage.act(EndSaying(reply.generation))
        elif reply.whole:
            self.speech_done(SpeechDone(reply.generation))

    # -- sound -------------------------------------------------------------------------

    def speech_made(self, event: SpeechMade) -> None:
        """More audio."""
        if (reply := self._current(event.generation)) is None:
            return
        self._sounding.add(reply, event)
        self._pump(reply)

    def filler_made(self, event: FillerMade) -> None:
        """A filler to bridge the wait; the answer may have come in the meantime."""
        reply = self._current(event.generation)
        if reply is None or reply.answering or not reply.confirmed or reply.failed:
            return
        self._sounding.bridge(reply, event)
        self._pump(reply)

    def speech_done(self, event: SpeechDone) -> None:
        """The audio is whole."""
        if (reply := self._current(event.generation)) is not None:
            reply.playout.whole = True
            self._pump(reply)

    def speech_failed(self, event: SpeechFailed) -> None:
        """Tell; what was made may still be heard."""
        if (reply := self._current(event.generation)) is None:
            return
        self._stage.act(Stop(reply.generation))
        self._fail(reply, EventError.of(event.error))
        reply.whole = reply.playout.whole = reply.torn = True
        if reply.audible:
            self._stage.go(State.SPEAKING)
        self._pump(reply)

    def tick(self) -> None:
        """Time has passed: send, fill, finish."""
        if (reply := self.reply) is None:
            return
        if reply.filler_at is not None and self._stage.now >= reply.filler_at:
            reply.filler_at = None
            self._stage.act(Fill(reply.generation))
        self._pump(reply)

    def _pump(self, reply: Reply) -> None:
        """Send what is due; finish when all was heard."""
        if self._sounding.pump(reply):
            self._finish(reply)

    # -- holding and ending ------------------------------------------------------------

    def duck(self) -> None:
        """Somebody may be interrupting: send nothing more for now."""
        if (reply := self.reply) is not None:
            self._sounding.hold(reply)

    def resume(self) -> None:
        """It was nothing."""
        if (reply := self.reply) is not None and reply.playout.held:
            self._sounding.release(reply)
            self._pump(reply)

    def playback(self, turn_id: str, played_s: float) -> None:
        """The client says how much it has played."""
        if (reply := self.reply) is not None and reply.turn_id == turn_id:
            reply.playout.report(played_s, self._stage.now)
            self._pump(reply)

    def cut(self) -> None:
        """Stop at once; the history keeps what was heard."""
        if (reply := self.reply) is None:
            return
        if not reply.confirmed:
            self.discard()
            return
        heard = reply.heard(self._stage.now)
        self._sounding.clear(reply)
        reply.times.interrupted = True
        self._stage.act(Stop(reply.generation))
        self._close(reply, heard)

    def _finish(self, reply: Reply) -> None:
        spoken = reply.answering and not reply.torn
        self._close(reply, reply.text if spoken else reply.heard(self._stage.now))
        self._stage.go(State.IDLE)

    def _close(self, reply: Reply, heard: str) -> None:
        stage = self._stage
        self.reply, self.last = None, LastReply(stage.now, reply.text)
        if heard:
            stage.act(Remember("assistant", heard))
        cut = reply.times.interrupted
        stage.tell(
            ReplyDone(
                turn_id=reply.turn_id,
                text=reply.text,
                heard_text=heard if heard != reply.text else None,
                interrupted=cut,
            )
        )
        stage.tell(reply.times.report(reply.turn_id, self._prices))

    @property
    def next_at(self) -> float | None:
        """When :meth:`tick` is due."""
        return None if self.reply is None else self.reply.next_at(self._stage.now)
