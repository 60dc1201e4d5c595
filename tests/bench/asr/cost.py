"""What the service itself costs: live speakers at an engine that answers at once.

The same speakers play to a server that does nothing (``echo``) in the same run: what is
late there is the machine's and their own, and only the difference is the service's.
"""

from tests.bench.asr.live import INSTANT, Load, played, speak
from tests.bench.report import Table, spread
from tests.integration.asr.watching import metric
from tests.running.process import service

ECHO = ("-m", "tests.bench.asr.echo")
RUNS = (
    ("silence", 1),
    ("silence", 10),
    ("silence", 30),
    ("step", 30),
    ("semantic", 1),
    ("semantic", 10),
    ("semantic", 30),
)
NAMES = {
    "silence": "silence",
    "step": "silence; all frames at the same instants",
    "semantic": "Smart Turn",
}
NOTES = (
    "The engine answers at once; all else is real: 20 ms frames in real time over sockets, "
    "resampling, Silero, the segmenter, JSON. Latency is from sending the frame with the sample "
    "that a message tells of (the last one of a partial, the one at which the turn was decided) "
    "to having the message's bytes. Speakers begin at moments of their own, as people do; in one "
    "row all of them send each frame at the same instant, and what is measured there is the "
    "queue of thirty frames.",
    "The speakers are one process beside the service, which sends frames made before the run and "
    "parses after it. What it and the machine add is measured, not guessed: in the same run the "
    "same speakers play to a server that answers every fifteenth frame at once and does nothing "
    "else (`alone`). `added` is the difference of the two 95th percentiles. A final that silence "
    "decided and one that Smart Turn decided are told apart: the latter's judgement, whose mean "
    "the service measured itself, is part of it.",
    "Where other work keeps the cores busy (the load average above), latencies are the wait for "
    "a core, and only the share of a core and the work of a frame say something of the service.",
)
COLUMNS = (
    "streams",
    "turns end by",
    "% of a core a stream",
    "alone p50 ms",
    "p95",
    "partial p50 ms",
    "p95",
    "added",
    "final by silence p50 ms",
    "p95",
    "added",
    "final by judgement p50 ms",
    "p95",
    "the judgement ms",
    "finals",
)


async def own(seconds: float) -> Table:
    """The service around an engine that answers at once, beside a server that does nothing."""
    alone: dict[tuple[bool, int], list[float]] = {}
    rows = []
    for mode, streams in RUNS:
        key = mode == "step", streams
        if key not in alone:
            alone[key] = await _alone(mode, streams, seconds)
        rows.append(_row(mode, *await _instant(mode, streams, seconds), alone[key]))
    return Table("The service's own cost", COLUMNS, rows, NOTES)


def _row(mode: str, load: Load, judgement_ms: float, echoed: list[float]) -> list[str | float]:
    alone = spread(echoed)
    partial, final, judged = (
        spread(load.latencies.get(kind, [])) for kind in ("partial", "final", "judged")
    )
    return [
        str(load.streams),
        NAMES[mode],
        100 * load.cpu,
        *alone[:2],
        *partial[:2],
        partial[1] - alone[1],
        *final[:2],
        final[1] - alone[1],
        *judged[:2],
        judgement_ms,
        str(load.finals),
    ]


async def _alone(mode: str, streams: int, seconds: float) -> list[float]:
    """Latencies at the server that does nothing."""
    async with service(*ECHO, port_variable="ECHO_PORT") as running:
        found = await played(running, streams, seconds, mode)
    latencies: list[float] = found["latencies"]["partial"]
    return latencies


async def _instant(mode: str, streams: int, seconds: float) -> tuple[Load, float]:
    """The load, and the mean time of a judgement in ms (NaN: none was made)."""
    async with service(*INSTANT, port_variable="ASR_PORT", env={"LOG_LEVEL": "ERROR"}) as running:
        load = await speak(running, streams, seconds, mode)
        judged = await metric(running, "parley_asr_turn_model_seconds_count")
        took = await metric(running, "parley_asr_turn_model_seconds_sum")
    return load, 1000 * took / judged if judged else float("nan")
