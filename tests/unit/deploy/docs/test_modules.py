from pathlib import Path

from deploy.docs import modules
from deploy.locks.lock import ROOT


def test_the_first_paragraph_is_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('"""One\nnoun.\n\nMore of it.\n"""\n')
    assert modules.first_line(path) == "One noun."
    path.write_text("x = 1\n")
    assert modules.first_line(path) == ""


def test_every_module_says_what_it_is() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for package in modules.PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and not modules.first_line(path)
    ]
    assert silent == []


def test_folders_are_told_in_order_and_bare_ones_left_out(tmp_path: Path) -> None:
    for package in modules.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "shared" / "clock.py").write_text('"""Time."""\n')
    page = modules.document(tmp_path)
    assert page.endswith(
        "## shared\n\n| module | what it is |\n| --- | --- |\n| `clock.py` | Time. |\n"
    )
    assert "## services" not in page
