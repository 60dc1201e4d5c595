"""What every image must be: small, its own service only, and never root."""

from pathlib import Path

import pytest

from deploy.locks.lock import ROOT
from tests.images.dockerfile import Stage, parse

FILES = sorted((ROOT / "deploy" / "docker").glob("*.Dockerfile"))


@pytest.fixture(params=FILES, ids=lambda path: path.name.removesuffix(".Dockerfile"))
def path(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.param
    return chosen


@pytest.fixture
def service(path: Path) -> str:
    return path.name.removesuffix(".Dockerfile").removesuffix("-cuda")


@pytest.fixture
def image(path: Path) -> Stage:
    return parse(path)[-1]


def test_there_is_one_for_each_service_and_device() -> None:
    names = {path.name.removesuffix(".Dockerfile") for path in FILES}
    assert names == {"asr", "asr-cuda", "tts", "tts-cuda", "orchestrator"}


def test_it_copies_shared_and_its_own_service_only(image: Stage, service: str) -> None:
    copied = {word for each in image.all("COPY") if each.source is None for word in each.words[:-1]}
    assert copied == {
        "deploy/docker/healthcheck.py",
        "shared",
        "services/__init__.py",
        f"services/{service}",
    }


def test_the_context_holds_what_is_copied_and_nothing_else(path: Path) -> None:
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    sources = {
        word
        for stage in parse(path)
        for each in stage.all("COPY")
        if each.source is None
        for word in each.words[:-1]
    }
    for source in sources:
        assert (ROOT / source).exists() or source.endswith("tts-chatterbox.txt")
        assert any(source.startswith(root.removesuffix("*.txt")) for root in kept), source


def test_pip_runs_in_the_first_stage_with_hashes_alone(path: Path) -> None:
    packages, image = parse(path)
    pips = [each.text for each in packages.all("RUN") if "pip install" in each.text]
    assert pips
    assert all("--require-hashes" in text for text in pips)
    assert not any("pip" in each.text for each in image.all("RUN"))
    assert any(each.source == packages.name for each in image.all("COPY"))


def test_the_service_runs_as_a_user_and_says_when_it_is_ready(image: Stage, service: str) -> None:
    assert [each.text for each in image.all("USER")] == ["parley"]
    assert image.instructions.index(image.all("USER")[0]) < image.instructions.index(
        image.all("CMD")[0]
    )
    [command], [check] = image.all("CMD"), image.all("HEALTHCHECK")
    [exposed] = image.all("EXPOSE")
    assert command.command == ["python", "-m", f"services.{service}"]
    assert check.command == ["python", "healthcheck.py", f"{service.upper()}_PORT", exposed.text]
