"""What a conversation is made of."""

from dataclasses import dataclass

from services.orchestrator.metrics import OrchestratorMetrics
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.fillers import Fillers
from services.orchestrator.pipeline.history import History
from services.orchestrator.pipeline.ports import Hearing, Outlet, Speech
from services.orchestrator.pipeline.recall import Recall
from services.orchestrator.pipeline.thinking import Thinking
from shared.clock import Clock


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that :class:`Conversation` needs; the composition root puts it together."""

    dialogue: Dialogue
    hearing: Hearing
    speech: Speech
    thinking: Thinking
    history: History
    outlet: Outlet
    fillers: Fillers
    clock: Clock
    metrics: OrchestratorMetrics
    with_fillers: bool = False
    recall: Recall | None = None
    """The semantic cache, where it is on."""
