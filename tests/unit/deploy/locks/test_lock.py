"""A lock knows its inputs, and its digest follows them."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.locks.lock import Lock, load_locks, pins, recorded_digest

PROJECT = """
[project]
dependencies = ["starlette>=1.0"]
[project.optional-dependencies]
asr = ["onnxruntime>=1.20"]
tts = ["kokoro-onnx"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "more.in").write_text("# why\npytest>=8 # because\n")
    return tmp_path


def test_the_digest_follows_every_input(root: Path) -> None:
    lock = Lock("asr", extras=("asr",), inputs=("more.in",))
    before = lock.input_digest(root, root)

    (root / "more.in").write_text("pytest>=9\n")
    after_input = lock.input_digest(root, root)
    (root / "pyproject.toml").write_text(PROJECT.replace("1.20", "1.21"))
    after_project = lock.input_digest(root, root)

    assert len({before, after_input, after_project}) == 3
    assert replace(lock, extras=("asr", "tts")).input_digest(root, root) != after_project


def test_comments_and_other_extras_leave_the_digest_alone(root: Path) -> None:
    lock = Lock("asr", extras=("asr",), inputs=("more.in",))
    before = lock.input_digest(root, root)

    (root / "more.in").write_text("\npytest>=8\n")
    (root / "pyproject.toml").write_text(PROJECT.replace("kokoro-onnx", "kokoro-onnx>=1"))

    assert lock.input_digest(root, root) == before


def test_a_lock_comes_after_the_one_it_follows(root: Path) -> None:
    (root / "locks.toml").write_text('[asr]\nfollows = "dev"\nextras = ["asr"]\n[dev]\n')
    locks = load_locks(root)
    assert list(locks) == ["dev", "asr"]
    assert locks["asr"] == Lock("asr", extras=("asr",), follows="dev")


def test_a_compiled_lock_is_read_back() -> None:
    text = f"# inputs sha256:{'a' * 64}\nAv==1.0 ; python_version < '3.12' \\\nav==2.0 \\\nx==3\n"
    assert recorded_digest(text) == "a" * 64
    assert recorded_digest("numpy==1\n") is None
    assert pins(text) == {"av": {"1.0", "2.0"}, "x": {"3"}}
