import re
from pathlib import Path

import pytest

from deploy.docs import configuration
from deploy.docs.services import settings
from shared.config import load


def test_every_setting_of_every_service_is_told_once() -> None:
    page, example = configuration.document(), configuration.example()
    for kind in settings().values():
        for field in kind.model_fields.values():
            assert page.count(f"| `{field.alias}` |") == 1, field.alias
            assert example.count(f"\n# {field.alias}=") == 1, field.alias


def test_the_example_sets_nothing_by_itself() -> None:
    lines = configuration.example().splitlines()
    assert all(not line or line.startswith("#") for line in lines)


def test_the_example_uncommented_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = re.sub(r"^# (?=[A-Z][A-Z0-9_]*=)", "", configuration.example(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(lines)
    monkeypatch.chdir(tmp_path)
    for kind in settings().values():
        for field in kind.model_fields.values():
            monkeypatch.delenv(field.alias or "", raising=False)
        assert load(kind) == kind.model_construct()
