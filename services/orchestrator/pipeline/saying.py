"""Text on its way from the dialogue to the synthesiser."""

import asyncio


class Saying:
    """Clauses of one reply; put in without waiting, iterated over as they come.

    What waits is joined: its size is bounded by the longest reply a model may write. A
    cancelled iteration can be taken up again.
    """

    def __init__(self) -> None:
        self._waiting = ""
        self._ended = False
        self._news = asyncio.Event()

    def put(self, text: str) -> None:
        """One more clause."""
        self._waiting += text
        self._news.set()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._news.set()

    def __aiter__(self) -> "Saying":
        return self

    async def __anext__(self) -> str:
        """The next clause, or all that wait."""
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        text, self._waiting = self._waiting, ""
        return text
