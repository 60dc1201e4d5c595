"""Environments are real ones; the lock they are given is empty, so that no index is needed."""

import venv
from pathlib import Path

import pytest

from deploy.environment.environment import RECORD, Environment, ensure
from deploy.locks import lock as lock_module
from deploy.locks.lock import Lock
from deploy.problem import Problem


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of locks in place of the repository's."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    monkeypatch.setattr(lock_module.Lock.path, "__defaults__", (folder,))
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One for the module, since making one takes seconds; made over half of one."""
    half = Environment(tmp_path_factory.mktemp("environment") / "venv")
    venv.create(half.folder, with_pip=False, symlinks=True)
    assert not half.works()
    return ensure(half.folder, [])


def test_half_an_environment_is_made_anew(environment: Environment) -> None:
    assert environment.works()


def test_a_lock_is_installed_once(environment: Environment, requirements: Path) -> None:
    lock = Lock("empty")
    lock.path().write_text("# nothing\n")
    made = (environment.folder / "pyvenv.cfg").stat().st_mtime_ns

    assert environment.missing([lock]) == [lock]
    assert ensure(environment.folder, [lock]) == environment

    assert environment.missing([lock]) == []
    assert (environment.folder / "pyvenv.cfg").stat().st_mtime_ns == made
    lock.path().write_text("# changed\n")
    assert environment.missing([lock]) == [lock]


def test_an_install_that_fails_is_told_and_not_recorded(
    environment: Environment, requirements: Path
) -> None:
    lock = Lock("broken")
    lock.path().write_text("no-hash-here==1.0\n")

    with pytest.raises(Problem, match="pip could not install broken"):
        environment.install([lock])

    assert environment.missing([lock]) == [lock]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear reader")
    with pytest.raises(Problem, match="is in the way"):
        Environment(tmp_path).create()
    assert (tmp_path / "letter.txt").read_text() == "dear reader"


def test_a_broken_record_counts_as_none(tmp_path: Path, requirements: Path) -> None:
    (tmp_path / RECORD).write_text("{half")
    lock = Lock("empty")
    lock.path().write_text("")
    assert Environment(tmp_path).missing([lock]) == [lock]
