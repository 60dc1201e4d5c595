from pathlib import Path

import pytest

from deploy.docs import compose

FILE = """\
x-common: &common
  # common settings, by `make docs`
  OLD_SETTING:
  # end
  REDIS_URL: redis://redis:6379/0
services: {}
"""


def test_only_the_marked_blocks_are_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "ROOT", tmp_path)
    (tmp_path / "docker-compose.yml").write_text(FILE)
    text = compose.document()
    head, rest = text.split("# common settings, by `make docs`\n")
    block, tail = rest.split("  # end\n")
    assert head + tail == FILE.replace(
        "# common settings, by `make docs`\n  OLD_SETTING:\n  # end\n", ""
    )
    lines = block.splitlines()
    assert "  API_KEYS:" in lines
    assert not {"  HOST:", "  PORT:", "  REDIS_URL:", "  OLD_SETTING:"} & set(lines)
    assert lines == sorted(lines)
