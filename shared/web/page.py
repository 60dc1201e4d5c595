"""A service's page for browsers: its own files, and those that all pages share."""

from pathlib import Path

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

SHARED = Path(__file__).parent / "static"


def files(folder: Path) -> list[BaseRoute]:
    """Serves ``folder`` under ``/static`` and what is shared under ``/static/shared``."""
    return [
        Mount("/static/shared", StaticFiles(directory=SHARED)),
        Mount("/static", StaticFiles(directory=folder)),
    ]
