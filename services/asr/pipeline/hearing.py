"""What every door of the service hears with."""

from collections.abc import Callable
from dataclasses import dataclass

from services.asr.engines.base import Engine, EngineInfo, SpeechDetector, TurnModel
from services.asr.languages import base_code
from services.asr.metrics import AsrMetrics
from services.asr.pipeline.catalogue import Catalogue
from services.asr.pipeline.listener import Listener
from services.asr.pipeline.session import Session
from shared.clock import Clock
from shared.protocol.asr import Config


@dataclass(frozen=True, slots=True)
class Hearing:
    """The loaded parts, handed to the routes by the composition root."""

    engine: Engine
    open_detector: Callable[[], SpeechDetector]
    """A fresh detector for each stream."""
    turn_model: TurnModel | None
    """None: silence decides."""
    catalogue: Catalogue
    metrics: AsrMetrics
    clock: Clock
    max_turn_s: float = 600.0
    final_timeout_s: float = 30.0

    def listener(self, owner: str) -> Listener:
        """A listener for one stream of ``owner``."""
        session = Session(
            self.open_detector(),
            owner=owner,
            semantic=self.turn_model is not None,
            longest_turn_s=self.max_turn_s,
        )
        return Listener(
            session,
            self.engine,
            self.turn_model,
            self.metrics,
            self.clock,
            final_timeout_s=self.final_timeout_s,
        )

    def granted(self, config: Config) -> Config:
        """The config with a language that the engine knows, else one that it detects."""
        info = self.engine.info
        if not config.language or not info.languages:
            return config
        return config.model_copy(update={"language": _known(config.language, info)})

    def objections(self, config: Config) -> list[tuple[str, str]]:
        """Code and message of each wish that the engine cannot grant.

        Raises:
            NotFound: ``config.model`` names no known model.
        """
        info = self.engine.info
        found = []
        if substituted := self.catalogue.substitution(config.model, info):
            found.append(("model_substituted", substituted))
        if config.language and info.languages and not _known(config.language, info):
            spoken = ", ".join(info.languages)
            named = config.language[:32]
            found.append(("unsupported_option", f"{info.name} hears {spoken}, not {named}"))
        if config.prompt and "prompt" not in info.capabilities:
            found.append(("unsupported_option", f"{info.name} takes no prompt"))
        return found


def _known(language: str, info: EngineInfo) -> str | None:
    code = base_code(language)
    return code if code in info.languages else None
