"""From a model's name to weights on a device.

A name is looked for as a folder, then in the hub's cache, then on the hub. A hub that
does not answer costs `shared.knock.SILENCE_S` at most; one that does is waited for, because
weights are large.
"""

import asyncio
import ctypes
import importlib.util
import logging
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import httpx
from faster_whisper.tokenizer import _LANGUAGE_CODES
from faster_whisper.utils import _MODELS, available_models, download_model
from huggingface_hub import constants as hub
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from tokenizers import Tokenizer

from services.asr.engines.whisper.features import LogMel
from services.asr.engines.whisper.model import Weights
from services.asr.engines.whisper.tokens import Vocabulary
from shared.errors import EngineUnavailable
from shared.knock import Silent, knock

log = logging.getLogger(__name__)

_CUDA_LIBRARIES = (("nvidia.cublas", "libcublas.so.12"), ("nvidia.cudnn", "libcudnn.so.9"))


@dataclass(frozen=True, slots=True)
class Device:
    """Where a copy of the weights lives, and in which numbers it computes."""

    kind: str
    """``cuda`` or ``cpu``."""
    index: int = 0
    compute_type: str = "int8"
    threads: int = 0
    """CPU threads of one step; 0: CTranslate2 decides."""


def devices(name: str, compute_type: str, threads: int) -> tuple[Device, ...]:
    """The devices that a setting names.

    Args:
        name: ``auto``, ``cpu``, ``cuda``, or ``cuda:0,1`` for several GPUs.
        compute_type: CTranslate2's name; ``auto``: float16 on CUDA, int8 on CPU.
        threads: CPU threads of one step.

    Raises:
        EngineUnavailable: CUDA is asked for and there is none.
    """
    kind, _, indices = name.partition(":")
    preload_cuda()
    found = ctranslate2.get_cuda_device_count()
    if kind == "auto":
        kind = "cuda" if found else "cpu"
    if kind == "cpu":
        return (Device("cpu", 0, "int8" if compute_type == "auto" else compute_type, threads),)
    chosen = [int(index) for index in indices.split(",")] if indices else [0]
    if max(chosen) >= found:
        there = f"{found} CUDA devices" if found else "no NVIDIA GPU, or no driver for it,"
        raise EngineUnavailable(f"ASR_DEVICE={name}: {there} found; set ASR_DEVICE=cpu or auto")
    numbers = "float16" if compute_type == "auto" else compute_type
    return tuple(Device("cuda", index, numbers, threads) for index in chosen)


def preload_cuda() -> None:
    """Make the CUDA 12 libraries of pip packages known to CTranslate2, where they are."""
    for package, library in _CUDA_LIBRARIES:
        try:
            found = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            continue
        for folder in (found.submodule_search_locations or ()) if found else ():
            path = Path(folder) / "lib" / library
            if path.exists():
                ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def find(name: str, cache: Path | None = None) -> Path | None:
    """The folder of a model that is on this machine already.

    Args:
        name: a folder, a size such as ``large-v3``, or a repository of the hub.
        cache: the hub's cache; None: where the hub's own settings put it.
    """
    if (Path(name) / "model.bin").is_file():
        return Path(name)
    if not _repository(name):
        return None
    try:
        return Path(download_model(name, local_files_only=True, cache_dir=_text(cache)))
    except (LocalEntryNotFoundError, ValueError):
        return None


async def fetch(name: str, cache: Path | None = None) -> Path:
    """Download a model from the hub.

    Raises:
        EngineUnavailable: no such name, or the hub does not answer or refuses.
    """
    repository = _repository(name)
    if repository is None:
        raise EngineUnavailable(
            f"ASR_MODEL={name}: neither a folder with model.bin, nor a repository of the hub, "
            f"nor one of {', '.join(available_models())}"
        )
    if hub.is_offline_mode():
        raise EngineUnavailable(
            f"ASR_MODEL={name}: not on disk, and HF_HUB_OFFLINE is set; set ASR_MODEL to a folder"
        )
    await _see_hub(name, repository)
    log.info("downloading weights", extra={"model": name, "repository": repository})
    try:
        path = await asyncio.to_thread(download_model, name, cache_dir=_text(cache))
    except (HfHubHTTPError, httpx.HTTPError, OSError, ValueError) as error:
        raise EngineUnavailable(f"ASR_MODEL={name}: the hub failed: {error}") from error
    return Path(path)


def load(path: Path, name: str, device: Device) -> Weights:
    """Put the weights of a folder on a device; takes seconds.

    Raises:
        EngineUnavailable: the folder is damaged, or CTranslate2 cannot use the device.
    """
    try:
        model = ctranslate2.models.Whisper(
            str(path),
            device=device.kind,
            device_index=device.index,
            compute_type=device.compute_type,
            intra_threads=device.threads,
        )
        raw = Tokenizer.from_file(str(path / "tokenizer.json"))
    except Exception as error:  # the tokenizers package raises nothing narrower
        raise EngineUnavailable(f"ASR_MODEL={name}: cannot load {path}: {error}") from error
    languages = _LANGUAGE_CODES[: model.num_languages] if model.is_multilingual else ("en",)
    return Weights(name, model, Vocabulary(raw, languages), LogMel(model.n_mels))


async def _see_hub(name: str, repository: str) -> None:
    """See whether the hub is there at all, before its client retries for minutes."""
    try:
        status = await asyncio.to_thread(knock, f"{hub.ENDPOINT}/api/models/{repository}")
    except Silent as error:
        raise EngineUnavailable(
            f"ASR_MODEL={name}: not on disk, and {error}; set ASR_MODEL to a folder"
        ) from error
    if status >= httpx.codes.BAD_REQUEST:
        raise EngineUnavailable(f"ASR_MODEL={name}: the hub answered {status} for {repository}")


def _repository(name: str) -> str | None:
    if name.count("/") == 1 and not name.startswith(("/", ".")):
        return name
    found = _MODELS.get(name)
    return str(found) if found else None


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
