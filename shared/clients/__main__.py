"""``python -m shared.clients``: transcribe, say, voices, talk.

Exit codes: 0 done, 1 a problem that is named in one line, 2 wrong usage, 130 interrupted.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from pydantic import SecretStr, ValidationError

from shared import __version__
from shared.clients.commands import say, talk, transcribe, voices
from shared.clients.commands.console import Console
from shared.clients.commands.settings import ClientSettings
from shared.clients.connection import NotAnswering
from shared.errors import ParleyError, Unauthorized

ENVIRONMENT = """\
Options can be set in the environment or in .env: PARLEY_ASR_URL, PARLEY_TTS_URL,
PARLEY_URL (the orchestrator) and PARLEY_API_KEY. Without them the services that
`make run` starts on this machine are used.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="python -m shared.clients",
        description="Parley from the command line: listen, speak, and hold a conversation.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"parley {__version__}")
    root.add_argument("--asr", metavar="URL", help="the ASR service, http://127.0.0.1:8001")
    root.add_argument("--tts", metavar="URL", help="the TTS service, http://127.0.0.1:8002")
    root.add_argument("--orchestrator", metavar="URL", help="http://127.0.0.1:8000")
    root.add_argument("--key", metavar="KEY", help="API key; better in PARLEY_API_KEY")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (transcribe, say, voices, talk):
        command.add(commands)
    return root


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    arguments = parser().parse_args(words)
    console = Console()
    keyless = False
    try:
        settings = _settings(arguments)
        keyless = settings.key is None and not settings.api_keys
        return int(asyncio.run(arguments.run(arguments, settings, console)))
    except NotAnswering as error:
        console.note(f"error: {error.message}: start it with `make run`")
    except Unauthorized as error:
        console.note(f"error: {error.message}{': set PARLEY_API_KEY' if keyless else ''}")
    except ParleyError as error:
        console.note(f"error: {error.message}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        console.note(f"error: {first['loc'][0]}: {first['msg']}")
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 1


def _settings(arguments: argparse.Namespace) -> ClientSettings:
    given = {
        "asr_url": arguments.asr,
        "tts_url": arguments.tts,
        "url": arguments.orchestrator,
        "key": SecretStr(arguments.key) if arguments.key else None,
    }
    return ClientSettings(**{name: value for name, value in given.items() if value is not None})


if __name__ == "__main__":
    sys.exit(main())
