"""Which environments a start needs, and the command and variables of each service in them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.environment.environment import ensure
from deploy.launch import threads
from deploy.launch.process import Process
from deploy.launch.settings import PORTS, Settings, cores
from deploy.locks.lock import ROOT, load_locks
from deploy.problem import Problem

CPU = dict.fromkeys(PORTS, ("", ("asr", "tts", "orchestrator", "smart-turn")))
"""Suffix of the environment's folder and locks in it, by service: one environment for all."""
GPU = {
    "asr": ("-asr-cuda", ("asr-cuda", "smart-turn")),
    "tts": ("-tts-chatterbox", ("tts-chatterbox",)),
    "orchestrator": ("", ("asr", "tts", "orchestrator", "smart-turn")),
}
"""torch pins versions that CTranslate2's lock does not share, so each has its own environment."""

DRAIN_S = "2"
"""A stop at the terminal ends within seconds, so sessions have less time than in production."""


@dataclass(frozen=True)
class Plan:
    """How to start the services."""

    pythons: Mapping[str, str]
    """The Python of each service."""
    settings: Settings
    environ: Mapping[str, str]
    logs: Path

    def start(self, service: str) -> Process:
        """Start one service."""
        command = [self.pythons[service], "-m", f"services.{service}"]
        log = None if self.settings.pass_logs else self.logs / f"{service}.log"
        return Process(service, command, ROOT, self._environ(service), log)

    def _environ(self, service: str) -> dict[str, str]:
        chosen = {
            "DRAIN_TIMEOUT_S": DRAIN_S,
            "PYTHONUNBUFFERED": "1",
            **threads.variables(service, cores(), self.environ),
        }
        if service == "orchestrator":
            chosen |= {f"{name.upper()}_URL": self.settings.url(name) for name in ("asr", "tts")}
        return {**chosen, **self.environ}


def install(folder: Path, *, gpu: bool) -> dict[str, str]:
    """Make and fill the environments where they are not yet; the Python of each service.

    Raises Problem when that cannot be done.
    """
    locks = load_locks()
    if gpu:
        _require_gpu()
    pythons = {}
    for service, (suffix, names) in (GPU if gpu else CPU).items():
        place = folder.with_name(folder.name + suffix)
        pythons[service] = str(ensure(place, [locks[name] for name in names]).python)
    return pythons


def installed() -> dict[str, str]:
    """The running Python for every service: whoever starts it so has installed the locks."""
    return dict.fromkeys(PORTS, sys.executable)


def _require_gpu() -> None:
    if not Path("/proc/driver/nvidia/version").exists() and shutil.which("nvidia-smi") is None:
        raise Problem(
            "no NVIDIA driver on this machine",
            "install the driver, or use the CPU with `make run`",
        )
