"""``talk``: a recording holds a conversation with the whole stack."""

import argparse
import asyncio
from pathlib import Path

from shared.audio.decode import read
from shared.audio.pcm import Encoding, encode
from shared.clients.commands.console import Console
from shared.clients.commands.output import SoundFile
from shared.clients.commands.settings import ClientSettings
from shared.clients.conversation import ConversationClient
from shared.clients.dialogue_log import DialogueLog, Turn
from shared.clock import Clock, SystemClock
from shared.errors import DeadlineExceeded, InvalidRequest, ParleyError
from shared.protocol import conversation as wire

MICROPHONE_RATE = 16_000
SPEECH_RATE = 24_000
FRAME_S = 0.02
LONGEST_S = 600.0
ROOM_S = 1.0
"""Silence before the recording: a speech detector doubts a word that nothing came before."""
QUIET_S = 2.5
"""Silence after the recording in which its last turn surely ends."""
STAGES = (
    ("stt_ms", "text"),
    ("llm_ttft_ms", "first word of the model"),
    ("tts_first_chunk_ms", "first sound of the voice"),
    ("e2e_ms", "end of speech to first sound"),
)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "talk",
        help="hold a conversation with a recording",
        description="Play a recording into the conversation as a microphone would, in real "
        "time; print what was heard and answered and each stage's latency; write the reply.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="any sound file")
    parser.add_argument("-o", "--output", type=Path, default=Path("reply.wav"), metavar="FILE")
    parser.add_argument("--voice", help="a name from `voices`")
    parser.add_argument("--language", help="ISO 639-1; default: detected")
    parser.add_argument("--prompt", help="system prompt of the model")
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="S", help="longest wait for a reply"
    )
    parser.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: ClientSettings, console: Console) -> int:
    """Talk, tell, and write what was answered."""
    pcm = _microphone(arguments.file)
    options = wire.CreateSession(
        voice_id=arguments.voice, language=arguments.language, system_prompt=arguments.prompt
    )
    async with ConversationClient(settings.orchestrator, options) as client:
        talk = _Talk(client, console, SystemClock())
        await talk.hold(pcm, arguments.patience)
    with SoundFile(arguments.output, SPEECH_RATE) as file:
        for turn in talk.log.turns.values():
            file.write(turn.samples(SPEECH_RATE))
    console.line(f"{arguments.output}: {file.seconds:.2f} s of reply")
    return 0


class _Talk:
    """One conversation: the microphone, the events, and when it is over."""

    def __init__(self, client: ConversationClient, console: Console, clock: Clock) -> None:
        self.log = DialogueLog()
        self._client = client
        self._console = console
        self._clock = clock
        self._news = asyncio.Event()
        self._spoken = False

    async def hold(self, pcm: bytes, patience_s: float) -> None:
        """Until everything said was answered.

        Raises:
            DeadlineExceeded: it was not, ``patience_s`` after the recording's end.
            ParleyError: the conversation broke.
        """
        speaking = asyncio.create_task(self._speak(pcm))
        listening = asyncio.create_task(self._listen())
        waiting = asyncio.create_task(self._until_answered())
        seconds = len(pcm) / Encoding.S16LE.width / MICROPHONE_RATE + patience_s
        tasks = (speaking, listening, waiting)
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        if not self.log.settled:
            what = "no reply came" if self.log.heard else "nothing was heard in the recording"
            raise DeadlineExceeded(f"{what} within {patience_s:g} s of its end")

    async def _speak(self, pcm: bytes) -> None:
        """The microphone: a quiet room, the recording, and the room for as long as it takes."""
        frame = int(FRAME_S * MICROPHONE_RATE) * Encoding.S16LE.width
        quiet = bytes(frame)
        began = self._clock.now()
        number = 0
        while True:
            data = pcm[number * frame : (number + 1) * frame] or quiet
            await self._client.send(data)
            number += 1
            if number * frame >= len(pcm) + QUIET_S / FRAME_S * frame and not self._spoken:
                self._spoken = True
                self._news.set()
            await asyncio.sleep(max(0.0, began + number * FRAME_S - self._clock.now()))

    async def _listen(self) -> None:
        async for received in self._client:
            turn = self.log.take(received, self._clock.now())
            self._tell(received)
            if turn is not None:
                self._report(turn)
            self._news.set()

    async def _until_answered(self) -> None:
        while not (self._spoken and self.log.settled):
            await self._news.wait()
            self._news.clear()

    def _tell(self, received: wire.ConversationServerMessage | bytes) -> None:
        match received:
            case wire.SessionEvent() if received.pipeline == "direct":
                self._console.note("no language model: the reply says back what was heard")
            case wire.TranscriptEvent():
                self._console.line(f"you:    {received.text}")
            case wire.ReplyDone():
                cut = "  [interrupted]" if received.interrupted else ""
                self._console.line(f"parley: {received.text}{cut}")
            case wire.EventError() | wire.EventWarning():
                self._console.note(f"{received.type}: {received.message}")
            case _:
                pass

    def _report(self, turn: Turn) -> None:
        session = self.log.session
        direct = session is not None and session.pipeline == "direct"
        for name, label in STAGES:
            value = getattr(turn.metrics, name)
            if value is not None and not (direct and name == "llm_ttft_ms"):
                self._console.line(f"  {label:<29}{value:>7.0f} ms")
        lead = turn.lead_ms
        if lead is not None and turn.audio:
            self._console.line(
                f"  first sound came {lead:.0f} ms before its synthesis was finished"
            )


def _microphone(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            samples = read(file, max_seconds=LONGEST_S, sample_rate=MICROPHONE_RATE)
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from error
    except ParleyError as error:
        raise InvalidRequest(f"{path}: {error.message}") from error
    quiet = bytes(round(ROOM_S * MICROPHONE_RATE) * Encoding.S16LE.width)
    return quiet + encode(samples, Encoding.S16LE)
