"""`WS /ws` of the real service: what is spoken, and what is said of it."""

import json
from itertools import pairwise

import numpy as np
import pytest

from tests.integration.tts.client import client, joined
from tests.running.service import ServiceProcess

TEXT = "Hello there. On 2024-03-05 it cost $5.50, which is not a lot of money for a good book."


async def test_the_seeds_own_message_is_spoken(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.socket.send(
            json.dumps(
                {
                    "type": "synthesize",
                    "text": "Hello, how can I help you?",
                    "voice_id": "default",
                    "streaming": True,
                    "chunk_size": 50,
                    "emotion": 0.5,
                }
            )
        )
        chunks, complete = await peer.until("synthesis_complete")
    assert complete["chunks_sent"] == len(chunks) == len({c["chunk_id"] for c, _ in chunks})
    assert complete["total_duration_ms"] == pytest.approx(sum(c["duration_ms"] for c, _ in chunks))
    samples = joined(chunks)
    assert len(samples) / 24 == pytest.approx(complete["total_duration_ms"], abs=0.1)
    assert 0.01 < float(np.sqrt(np.mean(samples**2))) < 0.5


async def test_ready_says_what_speaks(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        assert peer.ready["type"] == "ready"
        assert peer.ready["engine"] == "espeak"
        assert peer.ready["sample_rate"] == 24_000
        assert peer.ready["limits"]["max_connections"] == 30
        assert "word_times" in peer.ready["capabilities"]
        assert "en-us" in peer.ready["voices"]


async def test_words_and_spans_are_those_of_the_users_text(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text=TEXT, chunk_size=10)
        chunks, _ = await peer.until("synthesis_complete")
    words = [word for chunk, _ in chunks for word in chunk["words"]]
    assert [word["word"] for word in words[:7]] == [
        "Hello", "there", "On", "2024-03-05", "it", "cost", "$5.50",
    ]  # fmt: skip
    assert [w["start"] for w in words] == sorted(w["start"] for w in words)
    spans = [(chunk["text_start"], chunk["text_end"]) for chunk, _ in chunks]
    assert spans[0][0] == 0
    assert spans[-1][1] == len(TEXT)
    assert all(one[1] == two[0] for one, two in pairwise(spans))
    for chunk, _ in chunks:
        for word in chunk["words"]:
            assert word["word"] in TEXT[chunk["text_start"] : chunk["text_end"]]
    assert all(chunk["duration_ms"] <= 400.0 for chunk, _ in chunks)


async def test_the_first_chunk_comes_before_the_text_is_spoken_whole(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text="", more=True)
        await peer.send(type="text", request_id="r", text="Well, that is ")
        await peer.send(type="text", request_id="r", text="easy to say. And")
        first = await peer.message()
        assert first["type"] == "audio_chunk"
        assert first["text_end"] <= len("Well, that is easy to say. ")
        await peer.frame()
        await peer.send(type="text", request_id="r", text=" then some more")
        await peer.send(type="end", request_id="r")
        chunks, complete = await peer.until("synthesis_complete")
    assert [word["word"] for chunk, _ in chunks for word in chunk["words"]][-3:] == [
        "then", "some", "more",
    ]  # fmt: skip
    assert chunks[-1][0]["text_end"] == len("Well, that is easy to say. And then some more")
    assert complete["first_chunk_ms"] > 0


async def test_a_flush_speaks_half_a_sentence(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text="Just a", more=True)
        await peer.send(type="flush", request_id="r")
        assert (await peer.message())["text_end"] == len("Just a")
        await peer.frame()
        await peer.send(type="cancel", request_id="r")
        _, over = await peer.until("cancelled")
        assert over == {"type": "cancelled", "request_id": "r", "chunks_sent": 1}


async def test_several_requests_share_a_socket(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        for name in ("a", "b", "c"):
            await peer.send(type="synthesize", request_id=name, text=f"This is request {name}.")
        seen: dict[str, int] = {}
        done: set[str] = set()
        while len(done) < 3:
            message = await peer.message()
            if message["type"] == "synthesis_complete":
                done.add(message["request_id"])
            else:
                assert message["type"] == "audio_chunk"
                assert message["request_id"] not in done
                audio = await peer.frame()
                assert isinstance(audio, bytes)
                assert len(audio) / 4 / 24 == pytest.approx(message["duration_ms"], abs=0.1)
                seen[message["request_id"]] = seen.get(message["request_id"], 0) + 1
        assert set(seen) == {"a", "b", "c"}


async def test_not_streaming_is_one_chunk(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text=TEXT, streaming=False)
        chunks, complete = await peer.until("synthesis_complete")
    assert complete["chunks_sent"] == len(chunks) == 1
    assert chunks[0][0]["text_end"] == len(TEXT)


@pytest.mark.parametrize(
    ("encoding", "rate", "width"),
    [("s16le", 24_000, 2), ("f32le", 48_000, 4), ("mulaw", 8_000, 1), ("alaw", 8_000, 1),
     ("s16le", 16_000, 2), ("s16le", 22_050, 2)],
)  # fmt: skip
async def test_any_format_is_sent(
    tts: ServiceProcess, encoding: str, rate: int, width: int
) -> None:
    async with client(tts) as peer:
        await peer.send(
            type="synthesize",
            request_id="r",
            text="One two three.",
            format={"encoding": encoding, "sample_rate": rate},
        )
        chunks, complete = await peer.until("synthesis_complete")
    size = sum(len(audio) for _, audio in chunks)
    assert size / width / rate * 1000 == pytest.approx(complete["total_duration_ms"], abs=0.2)


async def test_cancel_is_the_last_word(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text=TEXT * 20)
        await peer.message()
        await peer.frame()
        await peer.send(type="cancel", request_id="r")
        chunks, over = await peer.until("cancelled")
        assert over["chunks_sent"] == 1 + len(chunks)
        await peer.send(type="synthesize", request_id="r", text="Again.")
        await peer.until("synthesis_complete")


async def test_voices_are_listed_with_their_aliases(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="list_voices")
        voices = await peer.message()
    rows = {row["voice_id"]: row for row in voices["voices"]}
    assert voices["default"] == "en-us"
    assert rows["alloy"]["alias_of"] == "en-us"
    assert rows["de"]["languages"] == ["de"]


async def test_an_option_that_the_engine_lacks_is_one_warning(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text="Hello.", emotion=0.9)
        warning = await peer.message()
        assert (warning["type"], warning["code"]) == ("warning", "unsupported_option")
        assert warning["request_id"] == "r"
        await peer.until("synthesis_complete")
