from pathlib import Path

import pytest

from deploy.docs import __main__ as docs


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "DOCUMENTS", {"docs/a.md": lambda: "a\n", "b": lambda: "b\n"})
    return tmp_path


def test_documents_are_written_and_then_up_to_date(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert docs.main(["--check"]) == 1
    assert "out of date: docs/a.md, b" in capsys.readouterr().out
    assert docs.main([]) == 0
    assert (root / "docs" / "a.md").read_text() == "a\n"
    assert docs.main(["--check"]) == 0
    (root / "b").write_text("edited\n")
    assert docs.main(["--check"]) == 1
    assert (root / "b").read_text() == "edited\n"


def test_the_documents_of_this_repository_are_up_to_date() -> None:
    assert docs.main(["--check"]) == 0
