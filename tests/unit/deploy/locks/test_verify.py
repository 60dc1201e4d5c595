"""Each way in which a lock can be wrong is found and named."""

from pathlib import Path

import pytest

from deploy.locks.lock import load_locks
from deploy.locks.verify import problems

HASH = "    --hash=sha256:" + "0" * 64


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["av>=1"]\n')
    (tmp_path / "locks.toml").write_text('[dev]\n[asr]\nfollows = "dev"\n')
    write(tmp_path, "dev", f"av==1 \\\n{HASH}\n")
    write(tmp_path, "asr", f"av==1 \\\n{HASH}\n")
    return tmp_path


def write(root: Path, name: str, body: str) -> None:
    digest = load_locks(root)[name].input_digest(root, root)
    (root / f"{name}.txt").write_text(f"# inputs sha256:{digest}\n{body}")


def test_the_locks_of_this_repository_are_in_order() -> None:
    assert problems() == []


def test_locks_of_their_inputs_pass(root: Path) -> None:
    assert problems(root, root) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("--extra-index-url elsewhere\n", "names an address or an index"),
        (f"av @ https://elsewhere/av.whl \\\n{HASH}\n", "names an address or an index"),
        ("av==1\n", "av==1 has no hash"),
        (f"torch==2.6.0 \\\n{HASH}\n", "holds torch"),
        (f"av==2 \\\n{HASH}\n", "av differs from dev.txt's 1"),
    ],
)
def test_what_a_lock_must_not_hold(root: Path, body: str, said: str) -> None:
    write(root, "asr", body)
    [line] = problems(root, root)
    assert line.startswith("asr.txt: ")
    assert said in line


def test_a_changed_input_a_missing_lock_and_a_stray_one_are_found(root: Path) -> None:
    (root / "pyproject.toml").write_text('[project]\ndependencies = ["av>=2"]\n')
    (root / "asr.txt").unlink()
    (root / "old.txt").write_text("")
    found = problems(root, root)
    assert [line.split(":")[0] for line in found] == ["dev.txt", "asr.txt", "old.txt"]
