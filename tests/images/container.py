"""Runs a Dockerfile's own commands in a folder, where there is no engine to build it.

The image's absolute paths become paths below the folder. What only changes the image's own
system (its users) is left out, and named in `SYSTEM`.
"""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from deploy.locks.lock import ROOT
from tests.images.dockerfile import Instruction, Stage

SYSTEM = ("useradd ",)
PATHS = ("/opt/parley", "/requirements/", "/app", "/var/lib/parley")


@dataclass
class Container:
    """One image's file system and environment, below `folder`."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    workdir: Path = Path()
    ran: list[str] = field(default_factory=list)

    @classmethod
    def build(cls, stages: list[Stage], folder: Path) -> "Container":
        """Run all stages; they share one folder, as the last takes what the first made."""
        container = cls(folder, cls._base(folder))
        for stage in stages:
            for instruction in stage.instructions:
                container._step(instruction)
        return container

    @staticmethod
    def _base(folder: Path) -> dict[str, str]:
        """The base image: a `python`, a shell, and the caller's way to a package index."""
        tools = folder / "usr" / "bin"
        tools.mkdir(parents=True)
        interpreter = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
        (tools / "python").write_text(f'#!/bin/sh\nexec {interpreter} "$@"\n')
        (tools / "python").chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
        kept |= {"PIP_CONFIG_FILE": config} if (config := _pip_config()) else {}
        home = folder / "var" / "lib" / "parley"
        home.mkdir(parents=True)
        return {**kept, "PATH": f"{tools}:/usr/bin:/bin", "HOME": str(home)}

    def _step(self, instruction: Instruction) -> None:
        match instruction.name:
            case "ENV":
                for pair in instruction.words:
                    name, _, value = pair.partition("=")
                    self.environ[name] = self._inside(value).replace("$PATH", self.environ["PATH"])
            case "WORKDIR":
                self.workdir = Path(self._inside(instruction.text))
                self.workdir.mkdir(parents=True)
            case "COPY" if instruction.source is None:
                self._copy(instruction.words)
            case "RUN" if not instruction.text.startswith(SYSTEM):
                self._run(instruction.text)

    def _copy(self, words: list[str]) -> None:
        *sources, last = words
        target = Path(self._inside(last)) if last.startswith("/") else self.workdir / last
        for source in sources:
            place = target / Path(source).name if last.endswith("/") else target
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, place, ignore=ignored)
            else:
                shutil.copyfile(ROOT / source, place)

    def _run(self, text: str) -> None:
        self.ran.append(text)
        subprocess.run(["/bin/sh", "-c", self._inside(text)], env=self.environ, check=True)

    def _inside(self, text: str) -> str:
        for path in PATHS:
            text = text.replace(path, str(self.folder) + path)
        return text

    def command(self, instruction: Instruction) -> list[str]:
        """The program of CMD or HEALTHCHECK, found as the image would find it."""
        name, *arguments = instruction.command
        program = shutil.which(name, path=self.environ["PATH"])
        assert program is not None, shlex.join(instruction.command)
        return [program, *arguments]


def _pip_config() -> str | None:
    """The caller's own pip configuration, which a new HOME would hide."""
    candidates = (Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf")
    return next((str(path) for path in candidates if path.exists()), None)
