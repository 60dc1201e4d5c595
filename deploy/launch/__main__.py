"""`python -m deploy.launch`: install once, start the three services, wait, and stop them together.

Exit codes: 0 stopped on request, 1 a problem that is named, 130 interrupted during the install.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from functools import partial
from pathlib import Path

from deploy.launch import plan, probe, screen
from deploy.launch import settings as launch_settings
from deploy.launch.settings import Settings
from deploy.launch.stack import Stack, Stop
from deploy.locks.lock import ROOT
from deploy.problem import Problem


def main() -> int:
    arguments = _arguments()
    try:
        environ = launch_settings.with_dotenv(os.environ, ROOT / ".env")
        settings = launch_settings.load(environ)
        print(screen.warning(settings), end="", file=sys.stderr, flush=True)
        _require_ports(settings)
        pythons = (
            plan.installed()
            if arguments.installed
            else plan.install(arguments.venv, gpu=arguments.gpu)
        )
        _run(plan.Plan(pythons, settings, environ, arguments.logs))
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except OSError as error:  # a folder of another user, a full disk
        told = Problem(_told(error), "see who owns it, and whether the disk is full")
        print(f"error: {told}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _told(error: OSError) -> str:
    why = error.strerror or str(error)
    return f"{error.filename}: {why}" if error.filename else why


def _run(plan: plan.Plan) -> None:
    settings, began = plan.settings, time.monotonic()
    print(f"Starting {', '.join(settings.ports)}", flush=True)
    urls = {name: settings.url(name) for name in settings.ports}
    with Stop().listening() as stop:
        stack = Stack([partial(plan.start, name) for name in settings.ports], stop)
        with stack.running():
            if not stack.wait_ready(urls):
                return
            healths = {name: probe.health(url) for name, url in urls.items()}
            seconds = time.monotonic() - began
            told = screen.ready(
                settings,
                healths,
                python=_shown(plan.pythons["orchestrator"]),
                logs=_shown(plan.logs),
                seconds=seconds,
            )
            print(told, flush=True)
            stack.watch()
    print("Stopped.", flush=True)


def _require_ports(settings: Settings) -> None:
    for name, port in settings.ports.items():
        if error := probe.why_not_listen(settings.host, port):
            raise Problem(
                f"{name} cannot listen on {settings.host}:{port}: {error.strerror or error}",
                _remedy(error, name, port),
            )


def _remedy(error: OSError, name: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            other = f"{name.upper()}_PORT={port + 100} make run"
            return f"stop what uses it (`ss -ltnp 'sport = :{port}'` names it), or: {other}"
        case errno.EACCES:
            return f"set {name.upper()}_PORT to 1024 or more"
        case _:
            return "set HOST to an address of this machine (0.0.0.0: all of them)"


def _shown(path: str | Path) -> str:
    """A path as the reader would type it."""
    path = Path(path)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.launch")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="virtual environment")
    parser.add_argument("--gpu", action="store_true", help="engines that need CUDA")
    parser.add_argument(
        "--installed", action="store_true", help="start the services in the running Python"
    )
    parser.add_argument(
        "--logs", type=Path, default=ROOT / "out" / "logs", help="folder for the services' logs"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
