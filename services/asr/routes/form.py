"""The fields of a transcription request, checked."""

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.asr.engines.base import EngineInfo, TranscribeOptions
from services.asr.languages import base_code
from services.asr.pipeline.catalogue import Catalogue
from services.asr.pipeline.hints import bias, certain
from services.asr.routes.uploads import Form, Upload
from shared.errors import InvalidRequest, UnsupportedOption

log = logging.getLogger(__name__)

_LISTS = frozenset({"timestamp_granularities", "include", "keywords", "languages"})


class ResponseFormat(StrEnum):
    """How the text is to be written."""

    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VTT = "vtt"
    VERBOSE = "verbose_json"

    @property
    def timed(self) -> bool:
        """Whether it says when things were said."""
        return self not in (ResponseFormat.JSON, ResponseFormat.TEXT)


class Wishes(BaseModel):
    """OpenAI's fields. Unknown ones are ignored and logged by name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    language: str | None = None
    languages: tuple[str, ...] = ()
    """One is as good as `language`; of several the engine finds out which."""
    prompt: str | None = Field(None, max_length=100_000)
    keywords: tuple[str, ...] = ()
    """Words to expect, put behind the prompt."""
    response_format: ResponseFormat = ResponseFormat.JSON
    temperature: float = Field(0.0, ge=0, le=1)
    timestamp_granularities: tuple[Literal["word", "segment"], ...] = ()
    include: tuple[Literal["logprobs"], ...] = ()
    stream: bool = False
    chunking_strategy: str | None = None
    """`auto` or an object of VAD settings; we always cut at pauses, so it changes nothing."""

    @property
    def words(self) -> bool:
        """Whether the answer lists words with times."""
        return "word" in self.timestamp_granularities

    @property
    def segments(self) -> bool:
        """Whether the answer lists segments: the default of verbose_json."""
        return not self.timestamp_granularities or "segment" in self.timestamp_granularities

    def warnings(self, info: EngineInfo, catalogue: Catalogue) -> list[str]:
        """What the engine leaves out of the wishes, and a model that answers for another."""
        asked = {
            "prompt": self.prompt,
            "keywords": self.keywords,
            "temperature": self.temperature,
        }
        able = {*info.capabilities, *(("keywords",) if "prompt" in info.capabilities else ())}
        lacking = [name for name, given in asked.items() if given and name not in able]
        substituted = ["model_substituted"] if catalogue.substitution(self.model, info) else []
        return substituted + [f"unsupported_option={name}" for name in lacking]

    def options(
        self, info: EngineInfo, owner: str, *, translate: bool = False, background: bool = False
    ) -> TranscribeOptions:
        """What the engine is asked.

        Raises:
            UnsupportedOption: the engine lacks something without which the answer is wrong.
            InvalidRequest: a language that it does not know.
        """
        logprobs = "logprobs" in self.include
        for wanted, name in ((logprobs, "logprobs"), (translate, "translate")):
            if wanted and name not in info.capabilities:
                raise UnsupportedOption(f"{info.name} with {info.model} has no `{name}`")
        return TranscribeOptions(
            language=_language(certain(self.language, self.languages), info),
            task="translate" if translate else "transcribe",
            prompt=bias(self.prompt, self.keywords),
            words=self.words or self.response_format.timed,
            segments=self.response_format.timed,
            temperature=self.temperature,
            logprobs=logprobs,
            background=background,
            owner=owner,
        )


def wishes(form: Form, info: EngineInfo, catalogue: Catalogue) -> Wishes:
    """The checked fields of a form.

    Raises:
        InvalidRequest: naming the first bad field.
        NotFound: no such model.
    """
    values: dict[str, object] = {}
    for name, text in form.fields:
        key = name.removesuffix("[]")
        if key in _LISTS:
            values[key] = (*_listed(values.get(key)), text)
        else:
            values[key] = text
    _note_unknown(values)
    if "file" in values:
        raise InvalidRequest("`file` must be an upload with a file name", param="file")
    try:
        found = Wishes.model_validate(values)
    except ValidationError as error:
        raise _explained(error) from None
    catalogue.substitution(found.model, info)
    if found.timestamp_granularities and found.response_format is not ResponseFormat.VERBOSE:
        raise InvalidRequest(
            "timestamp_granularities need response_format verbose_json",
            param="timestamp_granularities",
        )
    return found


def the_file(form: Form) -> Upload:
    """The one upload.

    Raises:
        InvalidRequest: there is none.
    """
    for name, upload in form.files:
        if name == "file":
            return upload
    raise InvalidRequest("`file` is missing", param="file")


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple) else ()


def _note_unknown(values: dict[str, object]) -> None:
    unknown = sorted(values.keys() - Wishes.model_fields.keys() - {"file"})
    if unknown:
        log.info("ignored fields", extra={"fields": [name[:64] for name in unknown]})


def _explained(error: ValidationError) -> InvalidRequest:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    return InvalidRequest(f"`{name}`: {first['msg']}", param=name)


def _language(wanted: str | None, info: EngineInfo) -> str | None:
    """ISO 639-1 in lower case, without the region.

    Raises:
        InvalidRequest: the engine does not know it.
    """
    if not wanted:
        return None
    code = base_code(wanted)
    if info.languages and code not in info.languages:
        raise InvalidRequest(f"unknown language `{wanted[:32]}`", param="language")
    return code
