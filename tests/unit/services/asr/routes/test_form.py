from dataclasses import replace

import pytest

from services.asr.engines.base import EngineInfo
from services.asr.pipeline.catalogue import Catalogue
from services.asr.routes.form import ResponseFormat, Wishes, the_file, wishes
from services.asr.routes.uploads import Form
from shared.engine import Kind
from shared.errors import InvalidRequest, NotFound, UnsupportedOption

INFO = EngineInfo("sphinx", "en-us", Kind.STREAMING, 4, ("en", "de"), frozenset({"words"}))


def form(**fields: str) -> Form:
    return Form((("model", "whisper-1"), *fields.items()), ())


def made(**fields: str) -> Wishes:
    return wishes(form(**fields), INFO, Catalogue())


def test_lists_come_with_and_without_brackets() -> None:
    both = Form(
        (
            ("model", "default"),
            ("response_format", "verbose_json"),
            ("timestamp_granularities[]", "word"),
            ("timestamp_granularities", "segment"),
        ),
        (),
    )
    found = wishes(both, INFO, Catalogue())
    assert found.timestamp_granularities == ("word", "segment")
    assert found.words
    assert found.segments


def test_segments_are_the_default_of_verbose_json() -> None:
    found = made(response_format="verbose_json")
    assert found.segments
    assert not found.words


@pytest.mark.parametrize(
    ("format_", "words", "segments"),
    [("json", False, False), ("text", False, False), ("srt", True, True), ("vtt", True, True)],
)
def test_times_are_asked_of_the_engine_where_they_are_shown(
    format_: str, words: bool, segments: bool
) -> None:
    options = made(response_format=format_).options(INFO, "me")
    assert (options.words, options.segments) == (words, segments)
    assert ResponseFormat(format_).timed is words


@pytest.mark.parametrize(
    ("given", "language"), [("en", "en"), ("EN-us", "en"), ("de_AT", "de"), ("", None)]
)
def test_languages_lose_their_region(given: str, language: str | None) -> None:
    assert made(language=given).options(INFO, "me").language == language


def test_what_the_engine_leaves_out_is_named() -> None:
    fields = {"prompt": "Kokoro", "keywords": "Parley", "temperature": "0.5", "model": "large-v3"}
    told = made(**fields).warnings(INFO, Catalogue())
    options = [f"unsupported_option={name}" for name in ("prompt", "keywords", "temperature")]
    assert told == ["model_substituted", *options]
    able = replace(INFO, capabilities=frozenset({"prompt", "temperature"}))
    assert made(**fields).warnings(able, Catalogue()) == ["model_substituted"]
    assert made(language="en", temperature="0").warnings(INFO, Catalogue()) == []


@pytest.mark.parametrize(
    ("languages", "language"), [((), None), (("de",), "de"), (("de", "en"), None)]
)
def test_one_likely_language_is_the_language(
    languages: tuple[str, ...], language: str | None
) -> None:
    given = Form((("model", "default"), *(("languages[]", name) for name in languages)), ())
    assert wishes(given, INFO, Catalogue()).options(INFO, "me").language == language
    assert made(language="en", languages="de").options(INFO, "me").language == "en"


def test_keywords_stand_behind_the_prompt() -> None:
    both = (("keywords[]", "Parley"), ("keywords[]", "Kokoro"))
    given = Form((("model", "default"), ("prompt", "A talk."), *both), ())
    found = wishes(given, INFO, Catalogue()).options(INFO, "me")
    assert found.prompt == "A talk. Parley, Kokoro"
    assert made().options(INFO, "me").prompt is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": "-1"}, "temperature"),
        ({"stream": "maybe"}, "stream"),
        ({"response_format": "diarized_json"}, "response_format"),
        ({"include[]": "secrets"}, "include"),
        ({"file": "text"}, "file"),
        ({"timestamp_granularities[]": "word"}, "timestamp_granularities"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        made(**fields)
    assert raised.value.param == param


def test_the_model_must_be_known_somewhere() -> None:
    assert made(model="large-v3").model == "large-v3"
    with pytest.raises(NotFound):
        made(model="gpt-nine")
    with pytest.raises(InvalidRequest) as raised:
        wishes(Form((), ()), INFO, Catalogue())
    assert raised.value.param == "model"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="language"):
        made(language="tlh").options(INFO, "me")


def test_what_the_engine_cannot_do_is_refused() -> None:
    with pytest.raises(UnsupportedOption, match="logprobs"):
        made(**{"include[]": "logprobs"}).options(INFO, "me")
    with pytest.raises(UnsupportedOption, match="translate"):
        made().options(INFO, "me", translate=True)


def test_a_form_without_a_file_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="missing"):
        the_file(form())
