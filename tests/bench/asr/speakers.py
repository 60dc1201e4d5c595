"""Speakers in real time: ``python -m tests.bench.asr.speakers ADDRESS STREAMS SECONDS MODE``.

A process of its own, so that the service's time is the service's, and one that does as
little as can be while it measures: speech and frames are made before, what comes is
noted with its time and taken apart after. Each speaker begins at a moment of its own
within three seconds, as people do, so that the frames of no two of them keep step; with
the mode ``step`` all frames are sent at the same moments, the worst there is.

Writes one JSON object: seconds from sending the frame that holds the sample that a
message tells of until the message's bytes are there, and the number of finals. A final
of a turn that the turn model ended counts as ``judged``, one that silence ended as
``final``; a turn that the end of the stream cuts was decided by no sample, and has none.
"""

import json
import random
import select
import sys
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from shared.audio.pcm import Encoding, Samples, encode
from tests.audio.speech import speech
from tests.bench.asr.wire import BINARY, TEXT, Chunk, connected, frame, texts

RATE = 16_000
FRAME = RATE // 50
FRAME_S = FRAME / RATE
PHRASES = (
    "I would like to book a flight to Paris on Monday morning.",
    "Yes.",
    "What is the weather like in the city today?",
    "No, thank you.",
    "Please wait a moment, I have to look for the number.",
)
PAUSE_S = 1.2
BEGIN_WITHIN_S = 3.0
DECIDED_BY = {"silence": "final", "semantic": "judged"}

Latencies = dict[str, list[float]]


def monologue(seed: int) -> Samples:
    """Phrases with pauses, in an order of the speaker's own."""
    phrases = list(PHRASES)
    random.Random(seed).shuffle(phrases)
    pause = np.zeros(int(PAUSE_S * RATE), np.float32)
    return np.concatenate([part for phrase in phrases for part in (speech(phrase), pause)])


class Speaker:
    """One connection, and when each of its frames was sent and each answer came."""

    def __init__(self, seed: int, frames: int, *, semantic: bool) -> None:
        self._frames = _frames(seed, frames)
        config = {"type": "config", "language": "en", "vad": {"semantic": semantic}}
        self._config = frame(TEXT, json.dumps(config).encode())
        self._sent: list[float] = []
        self._chunks: list[Chunk] = []
        self._unsent = bytearray()
        self.finals = 0
        """As counted by ``latencies``."""
        self.over = False
        """Whether the server has closed."""

    def connect(self, host: str, port: int) -> None:
        """Open the connection and say how to listen."""
        self._socket, rest = connected(host, port, "/ws")
        self._chunks.append((time.monotonic(), rest))
        self._put(self._config)

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    @property
    def stuck(self) -> bool:
        """Whether bytes wait for the server to read."""
        return bool(self._unsent)

    def speak(self) -> bool:
        """Send the next frame, or ``end``; whether there is another."""
        if len(self._sent) == len(self._frames):
            self._put(frame(TEXT, b'{"type":"end"}'))
            return False
        self._sent.append(time.monotonic())
        self._put(self._frames[len(self._sent) - 1])
        return True

    def push(self) -> None:
        """Send on what the server did not take."""
        data, self._unsent = self._unsent, bytearray()
        self._put(data)

    def hear(self) -> None:
        """Note what came."""
        data = self._socket.recv(65_536)
        self._chunks.append((time.monotonic(), data))
        if b'"ping"' in data:
            self._put(frame(TEXT, b'{"type":"pong"}'))
        if not data:
            self._socket.close()
            self.over = True

    def latencies(self) -> Latencies:
        """What all that came says, by the type of message."""
        found: Latencies = defaultdict(list)
        decided: dict[str, Any] = {}
        for came, text in texts(self._chunks):
            message: dict[str, Any] = json.loads(text)
            kind = message["type"]
            if kind == "turn_end":
                decided = message
            elif kind == "final":
                self.finals += 1
                kind, message = DECIDED_BY.get(decided["reason"], "flushed"), decided
            if kind in {"partial", "candidate", "final", "judged"}:
                sent = self._sent_at(message["timestamp"])
                found[kind] += [came - sent] if sent is not None else []
        return found

    def _sent_at(self, timestamp: float) -> float | None:
        """When the frame was sent that holds the last sample before a time of the stream."""
        last = -(-round(timestamp * RATE) // FRAME) - 1
        return self._sent[last] if 0 <= last < len(self._sent) else None

    def _put(self, data: bytes | bytearray) -> None:
        if not self._unsent:
            with suppress(BlockingIOError):
                data = data[self._socket.send(data) :]
        self._unsent += data


def _frames(seed: int, count: int) -> list[bytes]:
    pcm = encode(monologue(seed), Encoding.S16LE)
    size = 2 * FRAME
    starts = [n * size % (len(pcm) - size) for n in range(count)]
    return [frame(BINARY, pcm[at : at + size]) for at in starts]


def play(speakers: list[Speaker], *, in_step: bool) -> None:
    """Let all speak in real time until the server has closed all connections."""
    chance = random.Random(1)
    now = time.monotonic() + FRAME_S
    within_s = 0.0 if in_step else BEGIN_WITHIN_S
    due = {speaker: now + chance.uniform(0, within_s) for speaker in speakers}
    while listening := [speaker for speaker in speakers if not speaker.over]:
        first = min(due, key=due.__getitem__, default=None)
        wait = None if first is None else max(0.0, due[first] - time.monotonic())
        stuck = [speaker for speaker in listening if speaker.stuck]
        heard, freed, _ = select.select(listening, stuck, (), wait)
        for speaker in heard:
            speaker.hear()
        for speaker in freed:
            if not speaker.over:
                speaker.push()
        if first is not None and due[first] <= time.monotonic():
            due[first] += FRAME_S
            if not first.speak():
                del due[first]


def main(address: str, streams: int, seconds: float, mode: str) -> None:
    """Let so many speak at once."""
    count = round(seconds / FRAME_S)
    speakers = [Speaker(seed, count, semantic=mode == "semantic") for seed in range(streams)]
    url = urlsplit(address)
    for speaker in speakers:
        speaker.connect(url.hostname or "127.0.0.1", url.port or 80)
    play(speakers, in_step=mode == "step")
    latencies: Latencies = defaultdict(list)
    for speaker in speakers:
        for kind, values in speaker.latencies().items():
            latencies[kind] += values
    finals = sum(speaker.finals for speaker in speakers)
    sys.stdout.write(json.dumps({"latencies": latencies, "finals": finals}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
