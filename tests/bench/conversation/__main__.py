"""``make bench-conversation``: our rows, and the peers' where their environments are."""

import argparse
import asyncio
import json
import subprocess

from tests.bench import report
from tests.bench.conversation import inprocess, sockets
from tests.bench.conversation.row import COLUMNS, Cells, of_peer

NOTES = (
    "Instant doubles of all services. Frames of 20 ms in real time, 5 turns a conversation, every"
    " second reply interrupted; spread over one cycle, or all in step. Turn: from the frame that"
    " ends the user's speech to the first audio of the reply. Duck and clear: from the first frame"
    " of an interruption, whose first word decides it at once.",
    "In process is the dialogue alone, fed by the script in the same process, as the peers are;"
    " its CPU holds the script's own. Over sockets is the whole service as a process of its own,"
    " between clients, ASR and TTS that speak the real wires: CPU and memory are the service's,"
    " latencies those that the clients see, with the clients' and the doubles' own share of the"
    " same cores.",
    "Where the load column is far above the number of cores, other work had them: then compare the"
    " rows with each other, not the latencies with the budget; CPU is counted, not timed.",
)


def arguments() -> argparse.Namespace:
    """What to run."""
    parser = argparse.ArgumentParser(prog="bench-conversation", description=__doc__)
    parser.add_argument("-n", type=int, nargs="+", default=[1, 10, 30], help="conversations")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each conversation")
    parser.add_argument(
        "--peer",
        nargs=2,
        action="append",
        default=[],
        metavar=("PYTHON", "SCRIPT"),
        help="a peer's harness, run with `-n` and `--lockstep`, that prints a JSON line",
    )
    return parser.parse_args()


def peer(python: str, script: str, count: int, *extra: str) -> Cells:
    """A peer's own report."""
    command = [python, script, "-n", str(count), *extra]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return of_peer(json.loads(lines[-1]))


def rows(chosen: argparse.Namespace) -> list[Cells]:
    """All measurements, one after the other."""
    found: list[Cells] = []
    largest = max(chosen.n)
    for kind, bench in (("in process", inprocess), ("over sockets", sockets)):
        for count in chosen.n:
            row = asyncio.run(bench.measure(kind, count, chosen.seconds, lockstep=False))
            found.append(row.cells())
        name = f"{kind}, in step"
        row = asyncio.run(bench.measure(name, largest, chosen.seconds, lockstep=True))
        found.append(row.cells())
    for python, script in chosen.peer:
        found += [peer(python, script, count) for count in chosen.n]
        found.append(peer(python, script, largest, "--lockstep"))
    return found


def main() -> None:
    """Measure, and write the section."""
    table = report.Table("Cost and latency of turns", COLUMNS, rows(arguments()), NOTES)
    print(table.markdown())
    report.write("conversation", "Conversation", "make bench-conversation", [table])


if __name__ == "__main__":
    main()
