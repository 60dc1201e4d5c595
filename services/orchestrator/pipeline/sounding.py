"""The sound of a reply on its way to the client: queued, sent when it is due, held, cut."""

from services.orchestrator.pipeline.actions import Play
from services.orchestrator.pipeline.echo import EchoGuard
from services.orchestrator.pipeline.events import FillerMade, SpeechMade
from services.orchestrator.pipeline.playout import RATE
from services.orchestrator.pipeline.reply import Reply
from services.orchestrator.pipeline.stage import Stage
from services.orchestrator.pipeline.state import State
from shared.protocol.conversation import (
    AudioClear,
    AudioDuck,
    AudioEnd,
    AudioResume,
    AudioStart,
    Filler,
)


class Sounding:
    """Lets a reply sound; what it says, and when it is over, is for :class:`Replying`."""

    def __init__(self, stage: Stage, echo: EchoGuard) -> None:
        self._stage = stage
        self._echo = echo

    def add(self, reply: Reply, event: SpeechMade) -> None:
        """Queue more of the reply's speech; a filler before it fades out."""
        times, now = reply.times, self._stage.now
        if not reply.answering:
            reply.answering, reply.filler_at, times.first_chunk = True, None, now
            reply.playout.drop_filler()
        start = reply.playout.add(event.pcm)
        duration = len(event.pcm) / 2 / RATE
        times.audio_s += duration
        times.last_chunk = now
        reply.marks.add(reply.text, event.spoken, start, duration)

    def bridge(self, reply: Reply, event: FillerMade) -> None:
        """Queue a filler."""
        reply.times.fillers += 1
        reply.playout.add(event.pcm, filler=True)
        self._stage.tell(Filler(turn_id=reply.turn_id, text=event.text))

    def pump(self, reply: Reply) -> bool:
        """Send what is due.

        Returns:
            Whether all of the reply has been heard.
        """
        now = self._stage.now
        at = now - reply.playout.played_s(now) + reply.playout.sent_s
        for pcm in reply.playout.due(now):
            self._begin(reply)
            self._stage.act(Play(reply.generation, pcm))
            self._echo.play(pcm, max(at, now))
            at = max(at, now) + len(pcm) / 2 / RATE
        if reply.playout.all_sent and reply.audible and not reply.ended:
            reply.ended = True
            duration = round(reply.playout.sent_s * 1000, 1)
            self._stage.tell(AudioEnd(turn_id=reply.turn_id, duration_ms=duration))
        return reply.playout.all_played(now) and not reply.playout.held

    def _begin(self, reply: Reply) -> None:
        if reply.answering and reply.times.first_audio is None:
            reply.times.first_audio = self._stage.now
        if not reply.audible:
            reply.audible = True
            self._stage.tell(AudioStart(turn_id=reply.turn_id))
        if self._stage.state is not State.SPEAKING:
            self._stage.go(State.SPEAKING)

    def hold(self, reply: Reply) -> None:
        """Send nothing more for now."""
        reply.playout.hold(self._stage.now)
        if reply.audible:
            self._stage.tell(AudioDuck(turn_id=reply.turn_id))

    def release(self, reply: Reply) -> None:
        """Go on where it was held."""
        reply.playout.release(self._stage.now)
        if reply.audible:
            self._stage.tell(AudioResume(turn_id=reply.turn_id))

    def clear(self, reply: Reply) -> None:
        """Throw away what was not heard, here and at the client."""
        if reply.audible:
            self._stage.tell(AudioClear(turn_id=reply.turn_id))
            self._echo.silence(self._stage.now)
        reply.playout.clear()
