"""docker-compose.yml: what it publishes, what it waits for, and that no setting is lost in it."""

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from deploy.docs.services import settings
from deploy.locks.lock import ROOT
from shared.config import Settings

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if name != "redis"}
FIXED = {"HOST", "PORT", "ASR_PORT", "TTS_PORT", "ORCHESTRATOR_PORT"}
"""Inside a container these are the image's; outside, the ports are the file's."""


def test_nothing_configured_is_the_cpu_stack() -> None:
    plain = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert plain == {"redis", "asr", "tts", "orchestrator"}
    others = {name for name, service in SERVICES.items() if service.get("profiles") == ["gpu"]}
    assert plain | others == set(SERVICES)


def test_ports_are_published_on_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == len(OWN)
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_what_it_needs_is_healthy(name: str) -> None:
    needed = SERVICES[name].get("depends_on", {})
    assert all(condition == {"condition": "service_healthy"} for condition in needed.values())
    assert set(needed) <= set(SERVICES)
    if name.startswith("orchestrator"):
        suffix = name.removeprefix("orchestrator")
        assert set(needed) == {"redis", f"asr{suffix}", f"tts{suffix}"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OWN)
def test_every_setting_reaches_the_container(name: str) -> None:
    kind = settings().get(name.removesuffix("-gpu"), Settings)
    wanted = {field.alias for field in kind.model_fields.values()} - FIXED
    missing = sorted(wanted - set(SERVICES[name]["environment"]), key=str)
    assert not missing


@pytest.mark.parametrize("name", OWN)
def test_every_variable_given_is_a_setting(name: str) -> None:
    kind = settings().get(name.removesuffix("-gpu"), Settings)
    known = {field.alias for field in kind.model_fields.values()}
    if kind is not Settings:
        assert set(SERVICES[name]["environment"]) <= known


@pytest.mark.parametrize("name", OWN)
def test_every_image_has_its_file(name: str) -> None:
    assert (ROOT / SERVICES[name]["build"]["dockerfile"]).is_file()


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is missing")
@pytest.mark.parametrize("profile", [[], ["--profile", "gpu"]])
def test_docker_compose_reads_it(profile: list[str]) -> None:
    done = subprocess.run(
        ["docker-compose", *profile, "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
