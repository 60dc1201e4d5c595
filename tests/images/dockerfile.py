"""A Dockerfile as its stages and instructions."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction with its continuation lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments, without `--flags`."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    @property
    def source(self) -> str | None:
        """The stage of `COPY --from=STAGE`."""
        flags = [word for word in shlex.split(self.text) if word.startswith("--from=")]
        return flags[0].removeprefix("--from=") if flags else None

    @property
    def command(self) -> list[str]:
        """The exec form of CMD and of HEALTHCHECK's CMD."""
        words: list[str] = json.loads(self.text[self.text.index("[") :])
        return words


@dataclass(frozen=True)
class Stage:
    """What follows one FROM."""

    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        """The instructions of one kind, in order."""
        return [each for each in self.instructions if each.name == name]


def parse(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, the last of which is the image."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
    stages: list[Stage] = []
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            stages.append(_stage(rest.split()))
        else:
            stages[-1].instructions.append(Instruction(name, rest.strip()))
    return stages


def _stage(words: Sequence[str]) -> Stage:
    return Stage(base=words[0], name=words[2] if len(words) > 2 else None)
