"""Prompts, texts and words in tokens."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from faster_whisper.tokenizer import Tokenizer
from tokenizers import Tokenizer as RawTokenizer

MAX_PROMPT = 223
"""Tokens of previous text that Whisper was trained with, less the mark before them."""

Task = Literal["transcribe", "translate"]


class Vocabulary:
    """The tokens of one model. Safe for many threads."""

    def __init__(self, raw: RawTokenizer, languages: Sequence[str]) -> None:
        self.languages = tuple(languages)
        """Codes that the model was trained with; one means that it takes no language."""
        self._raw = raw
        self._tokenizer = lru_cache(maxsize=256)(self._make)

    @property
    def multilingual(self) -> bool:
        """Whether prompts name a language and a task."""
        return len(self.languages) > 1

    def tokenizer(self, language: str | None, task: Task) -> Tokenizer:
        """faster-whisper's tokenizer for a language and task."""
        return self._tokenizer(language if language in self.languages else "en", task)

    def prompt(
        self, language: str | None, task: Task, previous: Sequence[int], *, timestamps: bool
    ) -> list[int]:
        """What the decoder is given before it begins."""
        tokenizer = self.tokenizer(language, task)
        before = [tokenizer.sot_prev, *previous] if previous else []
        after = [] if timestamps else [tokenizer.no_timestamps]
        return [*before, *tokenizer.sot_sequence, *after]

    def encode_prompt(self, text: str | None) -> tuple[int, ...]:
        """Tokens of a biasing text, the last `MAX_PROMPT` of them."""
        if not text or not text.strip():
            return ()
        return tuple(self.tokenizer("en", "transcribe").encode(" " + text.strip()))[-MAX_PROMPT:]

    def text(self, tokens: Sequence[int]) -> str:
        """The text of the tokens, without timestamps."""
        return str(self.tokenizer("en", "transcribe").decode(list(tokens))).strip()

    def piece(self, token: int) -> str:
        """The text of one token as it stands, blanks included."""
        return str(self.tokenizer("en", "transcribe").decode([token]))

    def is_text(self, token: int) -> bool:
        """Whether the token is neither special nor a timestamp."""
        return bool(token < self.tokenizer("en", "transcribe").eot)

    @property
    def first_timestamp(self) -> int:
        """The token of 0.00 s; the others follow in steps of 20 ms."""
        return int(self.tokenizer("en", "transcribe").timestamp_begin)

    def _make(self, language: str, task: Task) -> Tokenizer:
        return Tokenizer(self._raw, self.multilingual, task=task, language=language)
