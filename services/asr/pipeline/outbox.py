"""Messages in the order of their turns: nothing of one before the final of the one before."""

from collections.abc import Iterable, Iterator

from shared.protocol.asr import Partial
from shared.protocol.base import Message


class Outbox:
    """Messages of the oldest open turn go out; those of later ones wait.

    Of partials that wait one behind the other only the newest is kept.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, list[Message]] = {}
        self._closed: set[int] = set()

    def put(self, turn: int, messages: Iterable[Message]) -> None:
        """Messages of an open turn; turns are put in the order of their numbers."""
        waiting = self._waiting.setdefault(turn, [])
        for message in messages:
            if isinstance(message, Partial) and waiting and isinstance(waiting[-1], Partial):
                waiting.pop()
            waiting.append(message)

    def close(self, turn: int) -> None:
        """Nothing more comes of this turn: the next one may speak."""
        self._closed.add(turn)

    def drop(self, turn: int) -> None:
        """Forget a turn and what it had to say."""
        self._waiting.pop(turn, None)

    def take(self) -> Iterator[Message]:
        """What may go out now."""
        for turn in sorted(self._waiting):
            messages, self._waiting[turn] = self._waiting[turn], []
            yield from messages
            if turn not in self._closed:
                return
            self._closed.discard(turn)
            del self._waiting[turn]
