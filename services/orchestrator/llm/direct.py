"""The direct pipeline: no language model, the assistant says back what it heard."""

from collections.abc import AsyncGenerator

from services.orchestrator.llm.base import ChatRequest, Delta, Done, Text

# Long enough to be a clause of its own, so that it is heard while the rest is synthesised.
_SAYS_SO = {
    "en": "This is what I heard: {}",
    "de": "Das habe ich gehört: {}",
    "fr": "Voici ce que j'ai entendu : {}",
    "es": "Esto es lo que he oído: {}",
    "it": "Ecco che cosa ho sentito: {}",
    "pt": "Isto é o que eu ouvi: {}",
    "nl": "Dit is wat ik hoorde: {}",
}


class DirectMind:
    """Repeats the user's last words and says that it does."""

    name = "direct"

    def __init__(self, language: str | None = None) -> None:
        self._form = _SAYS_SO.get((language or "en").split("-")[0].lower(), _SAYS_SO["en"])

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """One clause: what was heard."""
        said = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
        yield Text(self._form.format(said.strip()))
        yield Done(model=self.name)

    async def aclose(self) -> None:
        """Nothing is held."""
