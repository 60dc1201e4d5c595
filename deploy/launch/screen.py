"""The one screen that a start ends with."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from deploy.launch.settings import PORTS, Settings

EXPOSED = """\
warning: HOST={host} lets every machine that reaches this one use the services{unless}.
"""

WIDTH = 100
INDENT = " " * 16
"""Under the addresses."""

CLIENT_VARIABLES = {"asr": "PARLEY_ASR_URL", "tts": "PARLEY_TTS_URL", "orchestrator": "PARLEY_URL"}

SCREEN = """
Parley is ready after {seconds:.1f} s.

{services}

In another terminal:
{exports}  {python} -m shared.clients say "What a beautiful morning." -o morning.wav
  {python} -m shared.clients transcribe morning.wav
  {python} -m shared.clients talk morning.wav -o reply.wav
{logs}
Ctrl-C stops everything.
"""


def warning(settings: Settings) -> str:
    """What to say of a `HOST` that is not this machine alone; empty when it is."""
    if not settings.exposed:
        return ""
    unless = "" if settings.authenticated else " without a key; set API_KEYS"
    return EXPOSED.format(host=settings.host, unless=unless)


def ready(
    settings: Settings,
    healths: Mapping[str, Mapping[str, Any]],
    *,
    python: str,
    logs: str,
    seconds: float,
) -> str:
    """Addresses, engines and what to try next.

    Args:
        healths: the `/health` document of each service.
        python: how the reader starts the Python that holds the command line.
        logs: the folder of the services' logs.
        seconds: time from start to ready.
    """
    rows = [
        row
        for name in sorted(settings.ports, key=settings.ports.__getitem__)
        for row in _service(name, settings.url(name), healths.get(name, {}))
    ]
    kept = "" if settings.pass_logs else f"\nLogs: {logs} (LOGS=1 shows them here).\n"
    return SCREEN.format(
        seconds=seconds,
        services="\n".join(rows),
        exports=_exports(settings),
        python=python,
        logs=kept,
    )


def _exports(settings: Settings) -> str:
    """What the command line must be told when the services are not where it looks."""
    told = {
        variable: settings.url(service)
        for service, variable in CLIENT_VARIABLES.items()
        if settings.url(service) != f"http://127.0.0.1:{PORTS[service]}"
    }
    if settings.authenticated:
        told["PARLEY_API_KEY"] = "KEY"
    return "".join(f"  export {name}={value}\n" for name, value in told.items())


def _service(name: str, url: str, health: Mapping[str, Any]) -> list[str]:
    engine = health.get("engine")
    told = engine if isinstance(engine, Mapping) else {**health, "name": engine}
    called = " ".join(str(told[key]) for key in ("name", "model") if told.get(key))
    rows = [f"  {name:<13} {url}  {called}".rstrip()]
    redis = health.get("redis", {})
    if redis.get("enabled") and not redis.get("healthy"):
        rows.append(f"{INDENT}warning: Redis does not answer at REDIS_URL")
    if reason := told.get("reason"):
        rows += textwrap.wrap(
            reason, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
        )
    return rows
