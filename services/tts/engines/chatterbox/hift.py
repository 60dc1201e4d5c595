"""HiFT: mel frames to samples, several requests in one batch, the source carried on.

The vocoder shapes a source of harmonics and noise. Drawn anew for each chunk, its phase
would jump at every joint; here a stream's source goes on from chunk to chunk, and the
part under the chunk's left context is the one that was heard (the *source cache*).

The convolutions look both ways, so padding is zeroed before each of them: a row comes out
as it would alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import leaky_relu
from torch.nn.utils import parametrize

from services.tts.engines.chatterbox.device import sent

HOP = 480
"""Samples per mel frame."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One request's excitation to make.

    Attributes:
        mels: [80, frames], left context first.
        cached: source [samples] of the left context, whole frames.
        phase: cycles of the fundamental at the first sample that is not cached.
        phases: [harmonics], where each harmonic began.
        noise: [harmonics, samples] for the samples that are not cached.
    """

    mels: torch.Tensor
    cached: torch.Tensor
    phase: float
    phases: torch.Tensor
    noise: torch.Tensor


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came out for a row.

    Attributes:
        samples: [frames * 480].
        source: [frames * 480], the excitation used.
        cycles: float64 [frames + 1], cycles of the fundamental before each frame.
    """

    samples: torch.Tensor
    source: torch.Tensor
    cycles: torch.Tensor


def prepare(hift: Any) -> None:
    """Make once what the package makes at every call.

    Weight normalisation is baked in, and the window, which is no buffer, is put where the
    weights are.
    """
    for layer in hift.modules():
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")
    hift.stft_window = hift.stft_window.to(hift.conv_pre.weight)


def render(hift: Any, rows: Sequence[SourceRow]) -> list[Rendered]:
    """Make the rows' samples.

    Args:
        hift: the package's ``HiFTGenerator``.
        rows: at least one.
    """
    frames = [int(row.mels.shape[1]) for row in rows]
    mels = rows[0].mels.new_zeros(len(rows), rows[0].mels.shape[0], max(frames))
    for index, row in enumerate(rows):
        mels[index, :, : frames[index]] = row.mels
    pitch = _pitch(hift.f0_predictor, mels, frames)
    sources, cycles = [], []
    for index, row in enumerate(rows):
        source, walked = _source(hift, row, pitch[index, : frames[index]])
        sources.append(source)
        cycles.append(walked)
    samples = _decode(hift, mels, sources, frames)
    return [Rendered(*parts) for parts in zip(samples, sources, cycles, strict=True)]


def _valid(x: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Float [rows, 1, width], 1 within each row's length; 1 where all are equal."""
    if min(lengths) == x.shape[2]:
        return x.new_ones(1, 1, 1)
    ends = sent(lengths, x.device)
    return (torch.arange(x.shape[2], device=x.device) < ends[:, None])[:, None].to(x)


def _pitch(predictor: Any, mels: torch.Tensor, frames: Sequence[int]) -> torch.Tensor:
    """Fundamental frequency [rows, frames], Hz."""
    mask = _valid(mels, frames)
    x = mels
    for layer in predictor.condnet:
        x = layer(x) * mask
    return predictor.classifier(x.transpose(1, 2))[..., 0].abs()


def _source(hift: Any, row: SourceRow, pitch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Excitation [samples] of a row, and its cycles before each frame.

    Pitch is constant within a frame, so the phase is a ramp in each; whole cycles are
    dropped in float64, where the package's float32 sum grows coarse in long speech.
    """
    maker = hift.m_source
    known = row.cached.shape[0] // HOP
    per_frame = pitch.double() * HOP / hift.sampling_rate
    walked = torch.cat((per_frame.new_zeros(1), per_frame.cumsum(0)))
    walked = walked - walked[known] + row.phase
    new = pitch[known:]
    within = torch.arange(1, HOP + 1, device=pitch.device, dtype=torch.float64) / HOP
    turns = (walked[known:-1, None] + per_frame[known:, None] * within).flatten()
    orders = torch.arange(1, row.phases.shape[0] + 1, device=pitch.device)[:, None]
    angles = (2 * torch.pi * ((turns * orders) % 1)).to(row.mels) + row.phases[:, None]
    settings = maker.l_sin_gen
    voiced = (new > settings.voiced_threshold).to(row.mels).repeat_interleave(HOP)
    loudness = voiced * settings.noise_std + (1 - voiced) * settings.sine_amp / 3
    waves = settings.sine_amp * torch.sin(angles) * voiced + loudness * row.noise
    made = maker.l_tanh(maker.l_linear(waves.T))[:, 0]
    return torch.cat((row.cached, made)), walked


def _decode(
    hift: Any, mels: torch.Tensor, sources: Sequence[torch.Tensor], frames: Sequence[int]
) -> list[torch.Tensor]:
    spectrum = _spectra(hift, sources, max(frames))
    x = hift.conv_pre(mels)
    sizes = list(frames)
    for stage in range(hift.num_upsamples):
        x = hift.ups[stage](leaky_relu(x, hift.lrelu_slope) * _valid(x, sizes))
        rate = int(hift.ups[stage].stride[0])
        sizes = [size * rate for size in sizes]
        if stage == hift.num_upsamples - 1:
            x = hift.reflection_pad(x)
            sizes = [size + 1 for size in sizes]
        mask = _valid(x, sizes)
        lower = hift.source_downs[stage](spectrum)
        x = x + _residual(hift.source_resblocks[stage], lower, mask)
        first = stage * hift.num_kernels
        branches = [
            _residual(block, x, mask) for block in hift.resblocks[first : first + hift.num_kernels]
        ]
        x = torch.stack(branches).sum(0) / hift.num_kernels
    x = hift.conv_post(leaky_relu(x) * _valid(x, sizes))
    bins = hift.istft_params["n_fft"] // 2 + 1
    magnitude, phase = x[:, :bins].exp().clip(max=1e2), x[:, bins:].sin()
    waves: dict[int, torch.Tensor] = {}
    for size in set(sizes):  # in one go what is of one length: each makes the program wait
        alike = [index for index, other in enumerate(sizes) if other == size]
        made = _wave(
            hift,
            torch.stack([magnitude[index, :, :size] for index in alike]),
            torch.stack([phase[index, :, :size] for index in alike]),
        )
        waves.update(zip(alike, made, strict=True))
    return [waves[index] for index in range(len(sizes))]


def _residual(block: Any, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """A residual block that sees zeros beyond each row's end."""
    layers = zip(block.activations1, block.convs1, block.activations2, block.convs2, strict=True)
    for bend, wide, bend_again, narrow in layers:
        inner = wide(bend(x) * mask)
        x = narrow(bend_again(inner) * mask) + x
    return x


def _spectra(hift: Any, sources: Sequence[torch.Tensor], frames: int) -> torch.Tensor:
    """Short-time spectra [rows, bins, width] of the sources, zeros after each one's end."""
    size, hop = hift.istft_params["n_fft"], hift.istft_params["hop_len"]
    out = sources[0].new_zeros(len(sources), size + 2, frames * HOP // hop + 1)
    window = hift.stft_window.to(sources[0])
    for row, source in zip(out, sources, strict=True):
        spectrum = torch.stft(source, size, hop, size, window=window, return_complex=True)
        parts = torch.cat((spectrum.real, spectrum.imag))
        row[:, : parts.shape[1]] = parts
    return out


def _wave(hift: Any, magnitude: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    size, hop = hift.istft_params["n_fft"], hift.istft_params["hop_len"]
    wave = torch.istft(
        torch.polar(magnitude, phase),
        size,
        hop,
        size,
        window=hift.stft_window.to(magnitude),
    )
    return wave.clamp(-hift.audio_limit, hift.audio_limit)
