"""Every file that a page asks for is there, and what is shared comes before a service's own."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from shared.web.page import SHARED, files

ROOT = Path(__file__).parents[4]
PAGES = [ROOT / "services" / service / "static" for service in ("asr", "tts")]
ASKED = re.compile(r'"(/static/[^"]+)"')


def asked_for(folder: Path) -> set[str]:
    """What the files of a page, and those that all share, link to and import."""
    sources = (*folder.iterdir(), *SHARED.iterdir())
    return {path for source in sources for path in ASKED.findall(source.read_text())}


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.parent.name)
async def test_all_that_a_page_asks_for_is_served(folder: Path) -> None:
    asked = asked_for(folder)
    assert len(asked) > 5
    transport = httpx.ASGITransport(Starlette(routes=files(folder)))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        answers = {path: (await http.get(path)).status_code for path in asked}
    assert answers == dict.fromkeys(asked, 200)


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.parent.name)
def test_no_file_is_hidden_by_what_is_shared(folder: Path) -> None:
    assert not (folder / "shared").exists()
