import subprocess
from pathlib import Path

from deploy.checks.source import files


def test_tracked_and_new_files_are_seen_ignored_and_binary_ones_are_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "log.txt").write_text("ignored")
    (tmp_path / "tracked.py").write_text("a = 1\n")
    subprocess.run(["git", "-C", tmp_path, "add", "tracked.py"], check=True)
    (tmp_path / "new.py").write_text("b = 2\n")
    (tmp_path / "sound.bin").write_bytes(b"\xff\xfe\xfa")

    assert dict(files(tmp_path)) == {
        ".gitignore": "out/\n",
        "new.py": "b = 2\n",
        "tracked.py": "a = 1\n",
    }
