"""ASR and TTS as one process that speaks their wires and answers at once: for `sockets`."""

import asyncio
import json
import sys
from contextlib import suppress

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from shared.protocol import asr, tts
from tests.bench.conversation.script import FIRST_WORDS, FRAME_S, SENTENCE, TRANSCRIPT, Detector
from tests.doubles import asr_service, tts_service


async def listen(line: ServerConnection) -> None:
    """The recogniser of one conversation."""
    await line.send(asr_service.READY.wire())
    detector, at = Detector(), 0.0
    with suppress(ConnectionClosed):
        async for frame in line:
            if not isinstance(frame, bytes):
                continue
            at += FRAME_S
            for message in _heard(detector.feed(frame), at):
                await line.send(message.wire())


def _heard(decision: str | None, at: float) -> list[asr.AsrServerMessage]:
    if decision == "start":
        return [
            asr.SpeechStart(timestamp=at),
            asr.Partial(text=FIRST_WORDS, confidence=1, timestamp=at),
        ]
    if decision == "end":
        return [
            asr.SpeechEnd(timestamp=at),
            asr.TurnEnd(timestamp=at, probability=1, reason="silence"),
            asr.Final(text=TRANSCRIPT, start=0, end=at),
        ]
    return []


async def speak(line: ServerConnection) -> None:
    """The synthesiser of one conversation: two seconds of sound for any text."""
    await line.send(tts_service.READY.wire())
    with suppress(ConnectionClosed):
        async for frame in line:
            message = json.loads(frame)
            request = message.get("request_id")
            if message["type"] == "text":
                half = len(message["text"]) // 2
                for number in range(2):
                    chunk = tts.AudioChunk(
                        request_id=request,
                        chunk_id=number,
                        duration_ms=1000,
                        text_start=number * half,
                        text_end=(number + 1) * half,
                    )
                    await line.send(chunk.wire())
                    await line.send(SENTENCE)
            elif message["type"] == "end":
                done = tts.SynthesisComplete(
                    request_id=request, total_duration_ms=2000, chunks_sent=2
                )
                await line.send(done.wire())
            elif message["type"] == "cancel":
                await line.send(tts.Cancelled(request_id=request, chunks_sent=2).wire())


async def main() -> None:
    """Serve both; the ports go to stdout."""
    async with (
        serve(listen, "127.0.0.1", 0, compression=None) as ears,
        serve(speak, "127.0.0.1", 0, compression=None) as voice,
    ):
        ports = [next(iter(each.sockets)).getsockname()[1] for each in (ears, voice)]
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
