"""What the parts of a dialogue share: its state, its clock reading and its outbox."""

from dataclasses import dataclass, field

from services.orchestrator.pipeline.actions import Action, Tell
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.state import State, checked
from shared.protocol.base import Message
from shared.protocol.conversation import StateEvent


@dataclass(slots=True)
class Stage:
    """The common ground of :class:`Listening` and :class:`Replying`."""

    options: Options
    now: float = 0.0
    """Seconds of the monotonic clock at the event being handled."""
    state: State = State.IDLE
    _out: list[Action] = field(default_factory=list)

    def act(self, action: Action) -> None:
        """Want something done."""
        self._out.append(action)

    def tell(self, message: Message) -> None:
        """Want the client to know something."""
        self._out.append(Tell(message))

    def go(self, state: State) -> None:
        """Change the state, if it is another, and tell the client.

        Raises:
            IllegalTransition: the table does not have this way.
        """
        if state is not self.state:
            self.state = checked(self.state, state)
            self.tell(StateEvent(value=state.value))

    def take(self) -> list[Action]:
        """What is to be done now, in order."""
        out, self._out = self._out, []
        return out
