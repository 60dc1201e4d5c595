"""How many threads each service may compute with, so that three of them share one machine."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 8
"""More threads than this make no utterance faster on the models here."""


def budget(service: str, cores: int) -> int:
    """Threads of `service` on a machine of `cores`: half each for hearing and speaking."""
    if service == "orchestrator":
        return 1
    return max(1, min(MOST, cores // 2))


def variables(service: str, cores: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that holds `service` to its budget, but for what `environ` sets itself.

    A waiting OpenMP thread sleeps (`PASSIVE`): by default it spins at its barrier and takes the
    core from the thread that it waits for, which costs ten times the work on a busy machine.
    For speech it spins a moment first (``GOMP_SPINCOUNT``): a step of Chatterbox on a CPU is
    hundreds of short sections, and to be woken for each takes as long as their work.
    CTranslate2 goes by OpenMP's number; onnxruntime is told by the engine's own setting, and
    numpy's OpenBLAS, which knows no waiting but spinning, has one thread (``services``).
    """
    threads = str(budget(service, cores))
    chosen = {
        "OMP_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
        "MKL_NUM_THREADS": threads,
        **({"TTS_THREADS": threads, "GOMP_SPINCOUNT": "10000"} if service == "tts" else {}),
    }
    return {name: value for name, value in chosen.items() if name not in environ}
