"""What has been said, as the language model is to read it, within a budget of tokens."""

from collections.abc import Sequence
from dataclasses import replace

from services.orchestrator.llm.base import Message

_PER_MESSAGE = 4
_BYTES_PER_TOKEN = 4
"""A rough rule for every tokenizer; the budget leaves room for its error."""


def tokens(message: Message) -> int:
    """About how many tokens a message costs."""
    calls = sum(len(call.arguments) + len(call.name) for call in message.tool_calls)
    return _PER_MESSAGE + (len(message.content.encode()) + calls) // _BYTES_PER_TOKEN + 1


class History:
    """Messages of the session, oldest first; the system prompt is kept apart and whole."""

    def __init__(self, system: str, *, budget: int, messages: Sequence[Message] = ()) -> None:
        self.system = system
        self.budget = budget
        """Tokens that a request's messages may cost, the system prompt among them."""
        self.messages: list[Message] = list(messages)

    def add(self, message: Message) -> None:
        """Append; two user messages in a row become one, as one turn cut in two."""
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == message.role == "user":
            self.messages[-1] = replace(last, content=f"{last.content} {message.content}".strip())
        else:
            self.messages.append(message)
        self._trim()

    def asked(self, *pending: Message) -> list[Message]:
        """The messages of a request: system prompt, what fits of the past, ``pending``."""
        said = [*self.messages]
        for message in pending:
            if said and said[-1].role == message.role == "user":
                joined = f"{said[-1].content} {message.content}".strip()
                said[-1] = replace(message, content=joined)
            else:
                said.append(message)
        prompt = [Message("system", self.system)] if self.system else []
        return prompt + self._fitting(said, sum(map(tokens, prompt)))

    def _trim(self) -> None:
        system = tokens(Message("system", self.system)) if self.system else 0
        self.messages = self._fitting(self.messages, system)

    def _fitting(self, said: list[Message], spent: int) -> list[Message]:
        """The newest messages within the budget, from a user's turn on; at least the last."""
        kept = len(said)
        for index in range(len(said) - 1, -1, -1):
            spent += tokens(said[index])
            if spent > self.budget and kept < len(said):
                break
            if said[index].role == "user" or index == len(said) - 1:
                kept = index
        return said[kept:]
