"""What of a growing text is settled: LocalAgreement-2.

A word is *stable* when two hypotheses in a row agree on it and on all before it
(Liu et al. 2020; Macháček et al. 2023). Stable words only ever grow. When a turn grows
long, its stable words are settled: the engine may forget their audio, and its later
results begin after them.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.asr.engines.base import Transcript, Word
from services.asr.languages import space

_SLACK_S = 0.1
"""How far a hypothesis may move the end of a stable word."""
_ONE_AGAIN_S, _MORE_AGAIN_S = 0.3, 1.0
"""How late after the last stable word it, or it and others, are still the same ones."""
_ANCHORS = 2
"""Stable words whose audio the engine keeps: what it says before them it has said already."""
_ECHO = 3
"""Most words that are said again at a joint."""
_SENTENCE_ENDS = (".", "?", "!", "。", "？", "！")


class LocalAgreement:
    """The words of one turn while they grow."""

    def __init__(self) -> None:
        self._settled: list[Word] = []
        self._stable: list[Word] = []
        self._tail: list[Word] = []
        self._space = " "
        self.confidence = 0.0
        """Of the last hypothesis."""

    @property
    def stable(self) -> str:
        """The append-only prefix."""
        return self._join([*self._settled, *self._stable])

    @property
    def text(self) -> str:
        """The whole hypothesis; it begins with ``stable``."""
        return self._join([*self._settled, *self._stable, *self._tail])

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of ``text``."""
        return (*self._settled, *self._stable, *self._tail)

    def update(self, hypothesis: Transcript) -> None:
        """Take the next hypothesis of all that is not settled."""
        if not self._settled and not self._stable:  # what is stable is never written anew
            self._space = space(hypothesis.language)
        self.confidence = hypothesis.confidence
        tail = self._beyond_stable(_words(hypothesis))
        agreed = _common_prefix(self._tail, tail)
        self._stable += tail[:agreed]
        self._tail = tail[agreed:]

    def settle(self, *, force: bool = False) -> float | None:
        """Settle what is stable, best up to the end of a sentence, else up to its last two words.

        Args:
            force: when nothing is stable, settle all but the last hypothesis's last word.

        Returns:
            The time up to which words are settled now, in seconds; None: nothing new.
        """
        if force and not self._stable:
            self._stable, self._tail = self._tail[:-1], self._tail[-1:]
        ends = [n for n, word in enumerate(self._stable, 1) if word.word.endswith(_SENTENCE_ENDS)]
        kept = 0 if force else _ANCHORS
        count = ends[-1] if ends else len(self._stable) - kept
        if count <= 0 or not self._stable[count - 1].end:
            return None
        settled, self._stable = self._stable[:count], self._stable[count:]
        self._settled += settled
        return settled[-1].end

    def complete(self, final: Transcript) -> Transcript:
        """The final of what was not settled, with the settled words before it."""
        if not self._settled:
            return final
        again = self._said_again(final.words)
        words = final.words[again:]
        parts = (self._join(self._settled), self._join(words) if again else final.text)
        return replace(
            final,
            text=self._space.join(part for part in parts if part),
            words=(*self._settled, *words),
        )

    def _said_again(self, words: Sequence[Word]) -> int:
        """How many of a final's first words are settled ones, heard again at the joint.

        A word's end is known to a tenth of a second or two: the audio after it may begin with
        the rest of it. One word alone is an echo only where the kept words follow it.
        """
        anchors = self._stable[:_ANCHORS]
        if anchors and _common_prefix(words, anchors) == len(anchors):
            return 0
        for count in range(min(_ECHO, len(words), len(self._settled)), 0, -1):
            follows = anchors and _common_prefix(words[count:], anchors) == len(anchors)
            again = _common_prefix(words, self._settled[-count:]) == count
            if again and (count > 1 or follows):
                return count
        return 0

    def _beyond_stable(self, words: list[Word]) -> list[Word]:
        if not self._stable:
            return words
        whole = len(self._stable)
        for count in range(_ECHO + 1 if self._settled and whole >= _ANCHORS else 1):
            if _common_prefix(words[count:], self._stable) == whole:
                return words[count + whole :]
        end = self._stable[-1].end
        if not end:
            return words[len(self._stable) :]
        beyond = [word for word in words if (word.start + word.end) / 2 > end - _SLACK_S]
        return beyond[self._repeated(beyond) :]

    def _repeated(self, beyond: list[Word]) -> int:
        """How many of the first words say the last stable ones again."""
        limit = min(5, len(beyond), len(self._stable))
        for count in range(limit, 0, -1):
            late = beyond[0].start - self._stable[-1].end
            near = late < (_ONE_AGAIN_S if count == 1 else _MORE_AGAIN_S)
            if near and _common_prefix(self._stable[-count:], beyond[:count]) == count:
                return count
        return 0

    def _join(self, words: Sequence[Word]) -> str:
        return self._space.join(word.word for word in words)


def _words(hypothesis: Transcript) -> list[Word]:
    """Its words; without word times, those of its text with times of 0."""
    if hypothesis.words:
        return list(hypothesis.words)
    return [Word(word, 0.0, 0.0, hypothesis.confidence) for word in hypothesis.text.split()]


def _common_prefix(one: Sequence[Word], other: Sequence[Word]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if _plain(a.word) != _plain(b.word):
            break
        count += 1
    return count


def _plain(word: str) -> str:
    bare = "".join(letter for letter in word.casefold() if letter.isalnum())
    return bare or word
