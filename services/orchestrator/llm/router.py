"""A small model for greetings and simple requests, the large one for the rest."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.orchestrator.llm.base import ChatRequest, Delta, Mind

_THRESHOLD = 0.4
_LONG_WORDS = 25
_SIMPLE = re.compile(
    r"\b(hi|hello|hey|good (morning|afternoon|evening|night)|bye|goodbye|thanks|thank you|"
    r"please|yes|no|okay|ok|sure|how are you|hallo|guten (tag|morgen|abend)|danke|tschüss|"
    r"bonjour|bonsoir|merci|au revoir|hola|buenos días|gracias|adiós|ciao|grazie|olá|obrigad[oa])\b"
)
_HARD = re.compile(
    r"\b(why|how (do|does|did|can|would|should|many|much)|explain|compare|difference|calculate|"
    r"analy[sz]e|plan|recommend|summari[sz]e|translate|write|prove|because|although|unless|if|"
    r"warum|wieso|erkläre?|vergleiche?|unterschied|berechne|pourquoi|expliqu\w*|compar\w*|"
    r"por qué|explica\w*|calcul\w*|perché|spiega\w*)\b"
)


def complexity(said: str, *, tools: bool = False) -> float:
    """How hard a request seems, from 0 (a greeting) to 1.

    Length, words that ask for reasoning, numbers and several questions raise it;
    greetings and thanks lower it. With tools at hand a request may need one, and small
    models call them badly.
    """
    text = said.lower()
    score = min(len(text.split()) / _LONG_WORDS, 1.0) * 0.5
    score += 0.35 * bool(_HARD.search(text))
    score += 0.15 * bool(re.search(r"\d", text))
    score += 0.15 * (text.count("?") > 1)
    score += 0.3 * tools
    score -= 0.4 * bool(_SIMPLE.search(text))
    return min(max(score, 0.0), 1.0)


def tier(said: str, *, tools: bool = False) -> str:
    """``small`` or ``large``."""
    return "small" if complexity(said, tools=tools) < _THRESHOLD else "large"


class RoutedMind:
    """Two minds behind one."""

    def __init__(self, small: Mind, large: Mind) -> None:
        self._minds = {"small": small, "large": large}
        self.name = f"{small.name} | {large.name}"

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The reply of the mind that the user's last words call for."""
        said = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
        mind = self._minds[tier(said, tools=bool(request.tools))]
        async with aclosing(mind.reply(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        """Close both."""
        for mind in self._minds.values():
            await mind.aclose()
