"""Checks the locks against their inputs and against each other, offline and in milliseconds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.locks.lock import REQUIREMENTS, ROOT, Lock, load_locks, pins, recorded_digest

# A lock is installed from whatever index the reader's pip is set up for.
_ADDRESS = re.compile(r"\w+://|file:|--(extra-)?index-url|--find-links|^-[if]\b", re.MULTILINE)
_CUDA = re.compile(r"^(torch|torchaudio|nvidia-.*|triton)$")
_HASHLESS = re.compile(r"^[A-Za-z0-9._-]+==[^\\\n]*$", re.MULTILINE)


def problems(folder: Path = REQUIREMENTS, root: Path = ROOT) -> list[str]:
    """What is wrong with the locks, one line each; empty when all is well."""
    locks = load_locks(folder)
    texts = {name: _read(lock.path(folder)) for name, lock in locks.items()}
    found = [line for lock in locks.values() for line in _check(lock, texts, folder, root)]
    strays = {path.stem for path in folder.glob("*.txt")} - set(locks)
    return found + [f"{name}.txt: no such lock in locks.toml" for name in sorted(strays)]


def _check(lock: Lock, texts: Mapping[str, str], folder: Path, root: Path) -> Iterator[str]:
    text = texts[lock.name]
    if recorded_digest(text) != lock.input_digest(folder, root):
        yield f"{lock.name}.txt: not compiled from its present inputs; run `make locks`"
    if _ADDRESS.search(text):
        yield f"{lock.name}.txt: names an address or an index"
    for line in _HASHLESS.findall(text):
        yield f"{lock.name}.txt: {line} has no hash"
    versions = pins(text)
    if not lock.cuda:
        for name in filter(_CUDA.match, versions):
            yield f"{lock.name}.txt: holds {name}, which only locks with cuda = true may"
    if lock.follows:
        yield from _differences(lock, versions, pins(texts[lock.follows]))


def _differences(
    lock: Lock, own: Mapping[str, set[str]], leader: Mapping[str, set[str]]
) -> Iterator[str]:
    for name, versions in own.items():
        if versions != leader.get(name, versions):
            theirs = ", ".join(sorted(leader[name]))
            yield f"{lock.name}.txt: {name} differs from {lock.follows}.txt's {theirs}"


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
