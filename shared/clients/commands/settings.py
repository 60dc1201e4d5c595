"""Where the command line finds the services: options, environment, ``.env``, defaults."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.clients.connection import Endpoint
from shared.config import SecretList


class ClientSettings(BaseSettings):
    """What the commands read from the environment, or from ``.env`` beside it."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    asr_url: str | None = Field(None, alias="PARLEY_ASR_URL")
    """The ASR service; unset: this machine, at `ASR_PORT`."""
    tts_url: str | None = Field(None, alias="PARLEY_TTS_URL")
    """The TTS service; unset: this machine, at `TTS_PORT`."""
    url: str | None = Field(None, alias="PARLEY_URL")
    """The orchestrator; unset: this machine, at `ORCHESTRATOR_PORT`."""
    key: SecretStr | None = Field(None, alias="PARLEY_API_KEY")
    """Key presented to the services; unset: the first of `API_KEYS`, where that is set here."""
    asr_port: int = Field(8001, alias="ASR_PORT")
    tts_port: int = Field(8002, alias="TTS_PORT")
    orchestrator_port: int = Field(8000, alias="ORCHESTRATOR_PORT")
    api_keys: SecretList = Field((), alias="API_KEYS")

    @property
    def asr(self) -> Endpoint:
        """The ASR service."""
        return self._endpoint("ASR service", self.asr_url, self.asr_port)

    @property
    def tts(self) -> Endpoint:
        """The TTS service."""
        return self._endpoint("TTS service", self.tts_url, self.tts_port)

    @property
    def orchestrator(self) -> Endpoint:
        """The orchestrator."""
        return self._endpoint("orchestrator", self.url, self.orchestrator_port)

    def _endpoint(self, name: str, url: str | None, port: int) -> Endpoint:
        key = self.key or next(iter(self.api_keys), None)
        return Endpoint(url or f"http://127.0.0.1:{port}", name, key)
