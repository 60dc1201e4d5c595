"""Smart Turn v3: has the speaker finished, or only paused?

A small Whisper encoder with a classifier, judged on the last 8 s of the turn. Its file
(8.7 MB, BSD-2) ships inside the ``pipecat-ai`` wheel, which is installed for that file
alone: the package is never imported.
Source: https://github.com/pipecat-ai/smart-turn.

One judgement costs about 35 ms of one core, and batching gains nothing there, so the work
goes to a few threads with one onnxruntime thread each. Under overload a judgement is
skipped and counted instead of queued: a late answer is worth less than none.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from huggingface_hub import try_to_load_from_cache
from numpy.typing import NDArray

from services.asr.engines.base import SAMPLE_RATE, Samples

FILE_NAME = "smart-turn-v3.2-cpu.onnx"
_REPOSITORY = "pipecat-ai/smart-turn-v3"
_WINDOW = 8 * SAMPLE_RATE
_FFT = 400
_HOP = 160
_MELS = 80
_BLOCK = 200


def find_model(configured: str = "") -> Path | None:
    """The model's file: the configured one, else that of ``pipecat-ai``, else the hub's.

    Of ``pipecat`` only the top level is looked up: importing the package would need its
    many dependencies. Of the hub only the cache is: nothing is downloaded.
    """
    if configured:
        path = Path(configured).expanduser()
        return path if path.is_file() else None
    spec = find_spec("pipecat")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(root) / "audio" / "turn" / "smart_turn" / "data" / FILE_NAME
        if path.is_file():
            return path
    cached = try_to_load_from_cache(_REPOSITORY, FILE_NAME)
    return Path(cached) if isinstance(cached, str) else None


class SmartTurn:
    """Judges turns on a few threads, each judgement within a deadline.

    Args:
        path: the ONNX file.
        threads: judgements at the same time.
        deadline_s: longest time a judgement may take, waiting included.
        on_skip: told of each judgement that was not made: ``busy`` or ``late``.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 1,
        deadline_s: float = 0.3,
        on_skip: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._pool = ThreadPoolExecutor(threads, "smart-turn")
        self.probability(np.zeros(_WINDOW, np.float32))  # the first run is the slowest
        self._most_waiting = 4 * threads
        self._waiting = 0
        self._deadline_s = deadline_s
        self._on_skip = on_skip

    async def judge(self, samples: Samples) -> float | None:
        """The probability that the turn is complete, or None when it was skipped."""
        if self._waiting >= self._most_waiting:
            self._on_skip("busy")
            return None
        self._waiting += 1
        try:
            future = self._pool.submit(self.probability, samples)
            return await asyncio.wait_for(asyncio.wrap_future(future), self._deadline_s)
        except TimeoutError:
            self._on_skip("late")
            return None
        finally:
            self._waiting -= 1

    def probability(self, samples: Samples) -> float:
        """The probability in [0, 1], computed on the calling thread."""
        features = log_mel(samples)[None]
        outputs = self._session.run(None, {"input_features": features})
        return float(outputs[0][0, 0])

    def close(self) -> None:
        """Stop the threads; what still waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def log_mel(samples: Samples) -> NDArray[np.float32]:
    """Whisper's log-mel spectrogram of the last 8 s, as the model was trained on it.

    Shorter audio is padded with zeros at the front; all is brought to zero mean and unit
    variance first (``WhisperFeatureExtractor(chunk_length=8)``, ``do_normalize=True``).

    Returns:
        float32 [80, 800].
    """
    audio = np.zeros(_WINDOW, np.float64)
    tail = samples[-_WINDOW:]
    audio[_WINDOW - len(tail) :] = tail
    audio = (audio - audio.mean()) / np.sqrt(audio.var() + 1e-7)
    padded = np.pad(audio, _FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][:-1]
    spectrum = np.log10(np.maximum(_energies(frames), 1e-10))
    spectrum = np.maximum(spectrum, spectrum.max() - 8.0)
    return np.asarray((spectrum + 4.0) / 4.0, np.float32)


def _energies(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """The power in each mel filter [80, frames] of frames [frames, 400].

    Some frames at a time: what all of them need at once would be mapped and paged in anew at
    each call, at twice the cost of the arithmetic. Filter by filter, for each is but a few
    bins wide: a product of the whole matrices costs more, and several times that where BLAS
    hands it to threads that spin.
    """
    window, filters = _analysis()
    energies = np.empty((_MELS, len(frames)))
    for first in range(0, len(frames), _BLOCK):
        block = slice(first, first + _BLOCK)
        power = np.abs(np.fft.rfft(frames[block] * window, axis=1)) ** 2
        for mel, (bins, weights) in enumerate(filters):
            energies[mel, block] = power[:, bins] @ weights
    return energies


@lru_cache(maxsize=1)
def _analysis() -> tuple[NDArray[np.float64], list[tuple[slice, NDArray[np.float64]]]]:
    """The periodic Hann window [400], and Slaney's 80 mel filters up to 8 kHz.

    Each filter is the bins of the spectrum [201] that it spans, and their weights.
    """
    window = np.hanning(_FFT + 1)[:-1]
    corners = _slaney_hertz(np.linspace(0.0, _slaney_mel(SAMPLE_RATE / 2), _MELS + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, _FFT // 2 + 1)
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    weights = triangles * (2.0 / (high - low))
    spans = [slice(filled[0], filled[-1] + 1) for filled in map(np.flatnonzero, weights)]
    return window, [(span, row[span]) for span, row in zip(spans, weights, strict=True)]


_LINEAR_TOP_HZ = 1000.0
_LINEAR_TOP_MEL = 15.0
_LOG_STEP = np.log(6.4) / 27.0


def _slaney_mel(hertz: float) -> float:
    """Slaney's scale above 1 kHz, where it is logarithmic."""
    return float(_LINEAR_TOP_MEL + np.log(hertz / _LINEAR_TOP_HZ) / _LOG_STEP)


def _slaney_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mels * (_LINEAR_TOP_HZ / _LINEAR_TOP_MEL)
    curved = _LINEAR_TOP_HZ * np.exp(_LOG_STEP * (mels - _LINEAR_TOP_MEL))
    return np.where(mels < _LINEAR_TOP_MEL, linear, curved)
