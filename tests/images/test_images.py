"""Each image's own commands, in an environment of its own: it installs, starts, serves, stops."""

import json
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from deploy.locks.lock import ROOT
from tests.images.container import Container
from tests.images.dockerfile import Instruction, parse

IMAGES = ("orchestrator", "asr", "tts", "asr-cuda", "tts-cuda")
CUDA = {
    "asr": {"ASR_ENGINE": "whisper", "ASR_DEVICE": "cuda"},
    "tts": {"TTS_ENGINE": "chatterbox", "TTS_DEVICE": "cuda"},
}
"""What asks for a GPU by name."""
FALLBACKS = {"asr": "sphinx", "tts": "espeak"}
DRIVER = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
LOOKS = 600
"""Looks at a starting service, a fifth of a second apart."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", IMAGES)
def test_it_installs_starts_serves_and_stops(name: str, tmp_path: Path) -> None:
    stages = parse(ROOT / "deploy" / "docker" / f"{name}.Dockerfile")
    container = Container.build(stages, tmp_path)
    [start], [check] = stages[-1].all("CMD"), stages[-1].all("HEALTHCHECK")
    service, port = name.removesuffix("-cuda"), free_port()
    environ = {
        **container.environ,
        "HOST": "127.0.0.1",
        f"{service.upper()}_PORT": str(port),
        "HF_HUB_OFFLINE": "1",
    }

    process = subprocess.Popen(container.command(start), cwd=container.workdir, env=environ)
    try:
        for _ in range(LOOKS):
            healthy = subprocess.run(
                container.command(check), cwd=container.workdir, env=environ, check=False
            )
            if healthy.returncode == 0 or process.poll() is not None:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
        assert process.poll() is None
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as response:
            health = json.load(response)
        if name.endswith("-cuda") and not DRIVER:
            assert health["engine"]["name"] == FALLBACKS[service]
            assert "set " in health["engine"]["reason"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=45) == 0
    finally:
        process.kill()
        process.wait()
    if name.endswith("-cuda") and not DRIVER:
        told = refused(container, start, {**environ, **CUDA[service]})
        assert "no NVIDIA GPU, or no driver for it, found" in told
        assert f"set {service.upper()}_DEVICE=cpu or auto" in told


def refused(container: Container, start: Instruction, environ: dict[str, str]) -> str:
    """The one line of a service that does not start."""
    ended = subprocess.run(
        container.command(start),
        cwd=container.workdir,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 1
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("parley-")]
    assert "Traceback" not in ended.stderr
    return line


@pytest.mark.parametrize("name", IMAGES)
def test_no_image_holds_what_it_does_not_need(name: str) -> None:
    [packages, _] = parse(ROOT / "deploy" / "docker" / f"{name}.Dockerfile")
    locks = [word for each in packages.all("COPY") for word in each.words[:-1]]
    names = {
        line.partition("==")[0]
        for lock in locks
        for line in (ROOT / lock).read_text().splitlines()
        if "==" in line
    }
    if not name.endswith("-cuda"):
        assert "torch" not in names
    if name == "orchestrator":
        assert not names & {"onnxruntime", "ctranslate2", "pocketsphinx", "kokoro-onnx"}
