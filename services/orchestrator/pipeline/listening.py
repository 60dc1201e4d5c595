"""The user's side of a dialogue: speech, pauses, turns, and what they do to a reply."""

from dataclasses import dataclass

from services.orchestrator.pipeline.actions import Count
from services.orchestrator.pipeline.backchannel import asks, only_backchannel
from services.orchestrator.pipeline.bargein import (
    ECHO_SHARE,
    BargeIn,
    Levels,
    Phase,
    Verdict,
)
from services.orchestrator.pipeline.echo import EchoGuard
from services.orchestrator.pipeline.events import HearingFailed
from services.orchestrator.pipeline.replying import Replying
from services.orchestrator.pipeline.stage import Stage
from services.orchestrator.pipeline.state import State
from services.orchestrator.pipeline.telemetry import Timeline
from services.orchestrator.pipeline.words import same, words
from shared.protocol.asr import Candidate, Final, Partial, SpeechEnd, SpeechStart, TurnEnd
from shared.protocol.conversation import EventError, PartialEvent

_ALMOST_OVER_S = 0.5
"""Of reply left to play: who speaks now answers it rather than listens to it."""
_TRACE_OF_ECHO = 0.1
"""Of the microphone's energy: below it, words that the reply holds too are the user's own."""
_OWN_WORDS_S = 8.0
"""How far back the reply's words may still come out of the loudspeaker."""


@dataclass(slots=True)
class Segment:
    """One stretch of the user's speech, from its first sound to its final."""

    over_reply: bool = False
    """It began while a reply was being heard, and has not interrupted it."""
    answers: bool = False
    """What was heard by then asked for an answer, or was about to end."""
    speaking: bool = True
    ended: float | None = None
    """Moment of its last sound, by the monotonic clock."""
    began: float = 0.0
    missed: bool = False
    """A speculation on it was wrong."""
    explained: float = 0.0
    """Largest share of the microphone's energy that was the reply's echo."""


class Listening:
    """Turns what the recogniser hears into turns, interruptions and nothing."""

    def __init__(self, stage: Stage, replying: Replying, echo: EchoGuard) -> None:
        self._stage = stage
        self._replying = replying
        self._echo = echo
        self._bargein = BargeIn(stage.options.sensitivity, stage.options.language)
        self._segment: Segment | None = None
        self.heard_s = 0.0
        """Seconds of microphone audio given to the recogniser."""

    def configured(self) -> None:
        """Sensitivity or language may have changed."""
        options = self._stage.options
        self._bargein.configure(options.sensitivity, options.language)

    @property
    def next_at(self) -> float | None:
        """When :meth:`tick` is due."""
        return self._bargein.deadline

    @property
    def speaking(self) -> bool:
        """Whether the user is speaking at this moment."""
        return self._segment is not None and self._segment.speaking

    # -- speech ------------------------------------------------------------------------

    def speech_started(self, _: SpeechStart) -> None:
        """Somebody, or something, makes a sound."""
        stage, now = self._stage, self._stage.now
        segment = self._segment
        if segment is None:
            segment = self._segment = Segment(began=now)
        segment.speaking, segment.ended = True, None
        reply = self._replying.reply
        if reply is not None and not reply.confirmed:
            self._replying.discard()
            segment.missed = True
            reply = None
        if reply is None:
            if stage.state is not State.LISTENING and not self._echo_tail():
                stage.go(State.LISTENING)
            return
        if not segment.over_reply:
            segment.over_reply = True
            left = reply.playout.queued_s - reply.playout.played_s(now)
            ending = reply.playout.whole and left <= _ALMOST_OVER_S
            segment.answers = ending or asks(reply.heard(now))
        self._bargein.own = self._own_words()
        self._obey(self._bargein.started(self._levels(), now))

    def _echo_tail(self) -> bool:
        """Whether the sound is the end of a reply that has just been played."""
        return self._since_reply() < 1.0 and self._levels().explained >= ECHO_SHARE

    def _since_reply(self) -> float:
        last = self._replying.last
        return self._stage.now - last.at if last is not None else float("inf")

    def speech_paused(self, event: SpeechEnd) -> None:
        """Silence, for now."""
        if self._segment is None:
            return
        self._segment.speaking = False
        self._segment.ended = self._moment(event.timestamp)
        self._obey(self._bargein.paused(self._stage.now))

    def _moment(self, timestamp: float) -> float:
        """When the microphone's sample of that stream time came in."""
        return self._stage.now - max(0.0, self.heard_s - timestamp)

    def partial(self, event: Partial) -> None:
        """A hypothesis of the words so far."""
        segment = self._segment
        if segment is None or not event.text:
            return
        if segment.over_reply:
            self._bargein.own = self._own_words()
            self._obey(self._bargein.heard(event.text))
        if not segment.over_reply:
            self._stage.tell(PartialEvent(text=event.text, stable=event.stable))

    def candidate(self, event: Candidate) -> None:
        """The text at a pause: think ahead, or find that a sound was nothing."""
        segment, replying = self._segment, self._replying
        if segment is None or segment.speaking:
            return
        if segment.over_reply:
            self._bargein.own = self._own_words()
            self._obey(self._bargein.settled(event.text))
        if segment.over_reply or not event.text or not self._stage.options.speculate:
            return
        if replying.reply is None:
            replying.begin(event.text)
            self._stage.act(Count("speculations_started"))

    def turn_ended(self, event: TurnEnd) -> None:
        """The user is done; the text follows."""
        if self._segment is not None and self._segment.ended is None:
            self._segment.ended = self._moment(event.timestamp)

    def final(self, event: Final) -> None:
        """The text of the turn."""
        segment = self._segment or Segment(began=self._stage.now)
        self._bargein.own = self._own_words()
        self._segment = None
        wanted = self._wanted(event.text, segment)
        if segment.over_reply:
            self._obey(Verdict.CLEAR if wanted else self._bargein.dismissed())
        self._bargein.reset()
        if not wanted:
            self._nothing_said()
            return
        if segment.ended is None:
            segment.ended = self._moment(event.end)
        self._turn(event, segment)

    def _wanted(self, text: str, segment: Segment) -> bool:
        """Whether a final is a turn: not silence, not an echo, not a mere listener's noise."""
        said = words(text)
        if not said:
            return bool(text.strip())
        if self._bargein.own and (segment.over_reply or self._since_reply() < 1.0):
            fresh = self._bargein.fresh(text)
            if len(fresh) * 2 <= len(said) and not (segment.answers and len(said) <= 3):
                return False
        if not segment.over_reply or segment.answers:
            return True
        return not only_backchannel(said, self._stage.options.language)

    def _nothing_said(self) -> None:
        self._replying.discard()
        if self._replying.reply is None and self._stage.state is not State.ERROR:
            self._stage.go(State.IDLE)

    def _turn(self, event: Final, segment: Segment) -> None:
        replying, reply = self._replying, self._replying.reply
        if reply is not None and (reply.confirmed or not same(reply.said, event.text)):
            segment.missed = segment.missed or not reply.confirmed
            self.interrupt()
            replying.discard()
            reply = None
        if reply is None:
            reply = replying.begin(event.text)
            reply.times.speculation = "miss" if segment.missed else None
        else:
            self._speculated(reply.times)
        reply.times.speech_ended, reply.times.began = segment.ended, self._stage.now
        reply.times.speech_s = max(0.0, event.end - event.start)
        replying.confirm(reply, event.text, event.language, event.confidence)

    def _speculated(self, times: Timeline) -> None:
        times.speculation = "hit"
        times.saved_s = self._stage.now - (times.thinking or self._stage.now)
        self._stage.act(Count("speculations_used"))
        self._stage.act(Count("speculation_saved_seconds", times.saved_s))

    # -- interruptions -----------------------------------------------------------------

    def _levels(self) -> Levels:
        if not self._stage.options.echo_guard:
            return Levels()
        levels = Levels(self._echo.explained(self._stage.now), self._echo.loud())
        if self._segment is not None:
            self._segment.explained = max(self._segment.explained, levels.explained)
        return levels

    def _own_words(self) -> tuple[str, ...]:
        """Words that the loudspeaker may be saying."""
        segment, reply, last = self._segment, self._replying.reply, self._replying.last
        explained = segment.explained if segment is not None else 1.0
        if self._stage.options.echo_guard and explained < _TRACE_OF_ECHO:
            return ()
        if reply is not None and reply.audible:
            return words(reply.text)
        return words(last.text) if last and self._since_reply() < _OWN_WORDS_S else ()

    def tick(self) -> None:
        """Time has passed: a sound has lasted, or has been nothing."""
        at = self._bargein.deadline
        if at is None or self._stage.now < at:
            return
        self._obey(self._bargein.tick(self._levels(), self._stage.now))

    def _obey(self, verdict: Verdict) -> None:
        if self._replying.reply is None:
            return
        if verdict is Verdict.DUCK:
            self._stage.act(Count("ducks"))
            self._replying.duck()
        elif verdict is Verdict.RESUME:
            self._stage.act(Count("resumes"))
            self._replying.resume()
        elif verdict is Verdict.CLEAR:
            self._cut()

    def _cut(self) -> None:
        """It is an interruption: the reply ends here."""
        if self._replying.reply is None:
            return
        self._stage.act(Count("interruptions"))
        self.interrupt()

    def interrupt(self) -> None:
        """End the reply, whoever wanted it."""
        reply = self._replying.reply
        if reply is None or not reply.confirmed:
            return
        self._replying.cut()
        self._bargein.reset()
        self._stage.go(State.INTERRUPTED)
        if self._segment is None:
            self._stage.go(State.IDLE)
            return
        self._segment.over_reply = False
        if self._segment.speaking:
            self._stage.go(State.LISTENING)

    def after_reply(self) -> None:
        """The reply was heard to its end: the user may already be speaking."""
        segment = self._segment
        echo = self._bargein.phase is Phase.ECHO
        self._bargein.reset()
        speaking = segment is not None and segment.speaking and not echo
        if speaking and self._stage.state is State.IDLE:
            self._stage.go(State.LISTENING)

    def failed(self, event: HearingFailed) -> None:
        """The recogniser is gone; what was being said is lost."""
        self._stage.tell(EventError.of(event.error))
        self._segment = None
        self._bargein.reset()
        self._replying.discard()
        self._replying.resume()
        if self._replying.reply is None:
            self._stage.go(State.ERROR)
            self._stage.go(State.IDLE)
