import json
from dataclasses import replace

from services.asr.engines.base import Segment, TranscribeOptions, Transcript, Word
from services.asr.pipeline.files import FileResult
from services.asr.routes.form import ResponseFormat, Wishes
from services.asr.routes.formats import response

SAID = Transcript(
    "hello there",
    (Word("hello", 0.5, 0.9, 0.9), Word("there", 1.0, 1.4, 0.8)),
    "fr",
    0.85,
    (Segment(0.5, 1.4, "hello there", (7, 8), 0.2, -0.3, 1.1, 0.01),),
    ((" hello", -0.1), (" thé", -0.2)),
)
RESULT = FileResult(SAID, 2.3)


def body(format_: str, *, logprobs: bool = False, **wanted: object) -> str:
    chosen = Wishes(model="m", response_format=ResponseFormat(format_), **wanted)
    options = TranscribeOptions(logprobs=logprobs)
    return bytes(response(RESULT, chosen, options).body).decode()


def test_json() -> None:
    assert json.loads(body("json")) == {
        "text": "hello there",
        "usage": {"type": "duration", "seconds": 3},
    }


def test_log_probabilities_have_their_bytes() -> None:
    (_, last) = json.loads(body("json", logprobs=True))["logprobs"]
    assert last == {"token": " thé", "logprob": -0.2, "bytes": list(" thé".encode())}


def test_verbose_json() -> None:
    found = json.loads(body("verbose_json", timestamp_granularities=("word", "segment")))
    assert found["task"] == "transcribe"
    assert found["language"] == "french"
    assert found["duration"] == 2.3
    assert found["words"][1] == {"word": "there", "start": 1.0, "end": 1.4}
    assert found["segments"] == [
        {
            "id": 0,
            "seek": 50,
            "start": 0.5,
            "end": 1.4,
            "text": "hello there",
            "tokens": [7, 8],
            "temperature": 0.2,
            "avg_logprob": -0.3,
            "compression_ratio": 1.1,
            "no_speech_prob": 0.01,
        }
    ]
    assert "words" not in json.loads(body("verbose_json"))


def test_plain_formats() -> None:
    assert body("text") == "hello there\n"
    assert body("srt") == "1\n00:00:00,500 --> 00:00:01,400\nhello there\n"
    assert body("vtt") == "WEBVTT\n\n00:00:00.500 --> 00:00:01.400\nhello there\n"


def test_what_went_less_than_well_is_in_a_header() -> None:
    odd = FileResult(replace(SAID, warnings=(("smaller_model", "why"),)), 2.3, damaged=True)
    told = response(odd, Wishes(model="m"), TranscribeOptions(), ["smaller_model", "x=y"]).headers
    assert told["x-parley-warnings"] == "smaller_model, x=y, damaged_file"
    fine = response(RESULT, Wishes(model="m"), TranscribeOptions()).headers
    assert "x-parley-warnings" not in fine
