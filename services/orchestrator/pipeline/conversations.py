"""From a session and the settings to the conversation that is held in it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.orchestrator.config import OrchestratorSettings
from services.orchestrator.llm.base import Mind
from services.orchestrator.llm.direct import DirectMind
from services.orchestrator.metrics import OrchestratorMetrics
from services.orchestrator.pipeline.cache import AnswerCache
from services.orchestrator.pipeline.conversation import Conversation
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.fillers import Fillers
from services.orchestrator.pipeline.hearing import ServiceHearing
from services.orchestrator.pipeline.history import History
from services.orchestrator.pipeline.options import Options, apology
from services.orchestrator.pipeline.parts import Parts
from services.orchestrator.pipeline.ports import Outlet
from services.orchestrator.pipeline.recall import Recall
from services.orchestrator.pipeline.speech import ServiceSpeech
from services.orchestrator.pipeline.thinking import Thinking
from services.orchestrator.sessions.base import Session, SessionStore
from services.orchestrator.tools.client import ClientTools
from services.orchestrator.tools.registry import Registry
from services.orchestrator.tools.runner import ToolRunner
from shared.clients.connection import Endpoint
from shared.clock import Clock
from shared.protocol import asr
from shared.protocol.conversation import SessionEvent


@dataclass(slots=True)
class Conversations:
    """Makes a conversation for a session, from the settings of both."""

    settings: OrchestratorSettings
    metrics: OrchestratorMetrics
    store: SessionStore
    clock: Clock
    fillers: Fillers
    mind: Mind | None
    """The language model, if one is configured."""
    tools: Registry
    answers: AnswerCache | None = None
    """The semantic cache, if it is on."""
    asr_engine: str | None = None
    """As the services said last."""
    tts_engine: str | None = None

    def endpoint(self, name: str, url: str) -> Endpoint:
        """One of our services."""
        keys = self.settings.api_keys
        key = self.settings.service_key or (keys[0] if keys else None)
        return Endpoint(url, name, key)

    def pipeline(self, session: Session) -> str:
        """`direct` or `llm`."""
        default = "llm" if self.mind is not None else "direct"
        return session.settings.pipeline or default

    @asynccontextmanager
    async def begin(
        self, session: Session, outlet: Outlet
    ) -> AsyncIterator[tuple[Conversation, SessionEvent]]:
        """Take places at ASR and TTS, and converse."""
        wanted = session.settings
        config = asr.Config(
            language=wanted.language, environment=wanted.environment, vad=wanted.vad
        )
        async with AsyncExitStack() as stack:
            hearing = ServiceHearing(self.endpoint("ASR service", self.settings.asr_url), config)
            speech = ServiceSpeech(
                self.endpoint("TTS service", self.settings.tts_url),
                voice_id=wanted.voice_id or self.settings.voice_id,
                language=wanted.language,
            )
            await stack.enter_async_context(hearing)
            await stack.enter_async_context(speech)
            self.asr_engine, self.tts_engine = hearing.engine, speech.engine
            thinking = await stack.enter_async_context(self._thinking(session))
            yield self._made(session, outlet, hearing, speech, thinking), self._hello(session)

    @asynccontextmanager
    async def _thinking(self, session: Session) -> AsyncIterator[Thinking]:
        """The session's mind, with its tools if it can call any."""
        wanted, name = session.settings, session.session_id
        if self.mind is None or self.pipeline(session) == "direct":
            yield Thinking(DirectMind(wanted.language), None, name)
            return
        mine = ClientTools(wanted.client_tools)
        async with ToolRunner(self.tools.select(wanted.tools), mine) as tools:
            yield Thinking(self.mind, tools if tools.schemas() else None, name)

    def _made(
        self,
        session: Session,
        outlet: Outlet,
        hearing: ServiceHearing,
        speech: ServiceSpeech,
        thinking: Thinking,
    ) -> Conversation:
        wanted, settings = session.settings, self.settings
        direct = self.pipeline(session) == "direct"
        prompt = wanted.system_prompt or settings.llm_system_prompt
        history = History(prompt, budget=settings.llm_history_tokens, messages=session.messages)
        options = Options(
            language=wanted.language,
            sensitivity=wanted.sensitivity,
            speculate=settings.speculate,
            filler_after_s=settings.filler_after_ms / 1000,
            ahead_s=settings.ahead_ms / 1000,
            echo_guard=settings.echo_guard,
            apology=apology(wanted.language),
        )
        fillers = settings.fillers if wanted.fillers is None else wanted.fillers
        parts = Parts(
            dialogue=Dialogue(options, settings.prices, turns=session.turns),
            hearing=hearing,
            speech=speech,
            thinking=thinking,
            history=history,
            outlet=outlet,
            fillers=self.fillers,
            clock=self.clock,
            metrics=self.metrics,
            with_fillers=fillers and not direct,
            recall=None if direct else self._recall(session),
        )
        return Conversation(parts)

    def _recall(self, session: Session) -> Recall | None:
        if self.answers is None or self.mind is None:
            return None
        return Recall(
            self.answers,
            owner=session.owner,
            model=self.mind.name,
            session_id=session.session_id,
        )

    def _hello(self, session: Session) -> SessionEvent:
        return SessionEvent(
            session_id=session.session_id,
            pipeline="direct" if self.pipeline(session) == "direct" else "llm",
            asr_engine=self.asr_engine,
            tts_engine=self.tts_engine,
            durable=self.store.durable,
            expires_at=session.expires_at.isoformat(timespec="seconds"),
        )

    def describe(self) -> dict[str, object]:
        """For ``/health``."""
        return {
            "engine": self.mind.name if self.mind is not None else "direct",
            "reason": "" if self.mind is not None else "LLM_BASE_URL is not set",
            "sessions": {"durable": self.store.durable},
            "tools": self.tools.names(),
        }
