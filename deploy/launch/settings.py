"""What the launcher itself reads: addresses, and where the services' logs go."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.launch import dotenv
from deploy.problem import Problem

PORTS = {"asr": 8001, "tts": 8002, "orchestrator": 8000}
"""The services in the order in which they are started, with their default ports."""


@dataclass(frozen=True)
class Settings:
    """The launcher's view of the environment."""

    host: str
    ports: Mapping[str, int]
    pass_logs: bool
    """True: the services write to this terminal; else each to its own file."""
    authenticated: bool

    @property
    def exposed(self) -> bool:
        """Can other machines reach the services?"""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    def url(self, service: str) -> str:
        """Where a client on this machine finds `service`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.ports[service]}"


def load(environ: Mapping[str, str]) -> Settings:
    """Read `HOST`, `ASR_PORT`, `TTS_PORT`, `ORCHESTRATOR_PORT`, `API_KEYS` and `LOGS`.

    Raises Problem naming the setting that is wrong.
    """
    ports = {name: _port(f"{name.upper()}_PORT", environ, PORTS[name]) for name in PORTS}
    for name, port in ports.items():
        if twin := next((other for other in ports if other != name and ports[other] == port), None):
            raise Problem(
                f"{name.upper()}_PORT and {twin.upper()}_PORT are both {port}",
                "give each service a port of its own",
            )
    return Settings(
        host=environ.get("HOST") or "127.0.0.1",
        ports=ports,
        pass_logs=environ.get("LOGS", "") not in ("", "0"),
        authenticated=bool(environ.get("API_KEYS")),
    )


def with_dotenv(environ: Mapping[str, str], path: Path) -> dict[str, str]:
    """`environ` over a `.env` file, which the services read too."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return dict(environ)
    return {**dict(dotenv.pairs(text)), **environ}


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0))


def _port(name: str, environ: Mapping[str, str], default: int) -> int:
    value = environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise Problem(f"{name}={value!r} is not a port", "set a number from 1 to 65535")
    return int(value)
