"""Whisper's token conventions over a vocabulary of whole words.

Ids: the words (each with its leading space), `<unk>`, then Whisper's special tokens from
`<|endoftext|>` on, then the 1,501 timestamps. Everything below `<|endoftext|>` is text, as
faster-whisper expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel

from tests.models.tiny_whisper import grammar

UNKNOWN = "<unk>"
SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TIMESTAMPS = tuple(f"<|{index * 0.02:.2f}|>" for index in range(1501))


@dataclass(frozen=True)
class Vocabulary:
    words: tuple[str, ...] = field(default_factory=grammar.vocabulary)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {word: index for index, word in enumerate(self.words)})

    @property
    def size(self) -> int:
        return len(self.words) + 1 + len(SPECIALS) + len(TIMESTAMPS)

    @property
    def unknown(self) -> int:
        return len(self.words)

    def special(self, name: str) -> int:
        """The id of `<|name|>`."""
        return len(self.words) + 1 + SPECIALS.index(f"<|{name}|>")

    def timestamp(self, seconds: float) -> int:
        first = len(self.words) + 1 + len(SPECIALS)
        return first + min(max(round(seconds / 0.02), 0), len(TIMESTAMPS) - 1)

    def encode(self, words: Iterable[str]) -> list[int]:
        ids: dict[str, int] = self._ids  # type: ignore[attr-defined]
        return [ids.get(word, self.unknown) for word in words]


def tokenizer(words: Sequence[str]) -> Tokenizer:
    """A tokenizer whose text tokens look like Whisper's: byte-level, space in front ("Ġhello")."""
    ids = {f"Ġ{word}": index for index, word in enumerate(words)} | {UNKNOWN: len(words)}
    made = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?[^ ]+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True) for name in SPECIALS])
    made.add_tokens([AddedToken(name, special=False) for name in TIMESTAMPS])
    return made
