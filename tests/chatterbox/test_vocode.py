"""S3Gen in batches: rows as alone, streams as long as one shot, joints unheard."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from services.tts.engines.chatterbox import flow, hift
from services.tts.engines.chatterbox.noise import NoiseStrip
from services.tts.engines.chatterbox.variants import Variant
from services.tts.engines.chatterbox.vocode import FADE, HELD, SpeechStream, Vocoder
from tests.chatterbox import small

BOTH = pytest.mark.parametrize(
    "variant", [Variant.TURBO, Variant.ENGLISH], ids=lambda variant: variant.value
)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def tokens(count: int, seed: int) -> list[int]:
    random = torch.Generator().manual_seed(seed)
    drawn: list[int] = torch.randint(0, 6561, (count,), generator=random).tolist()
    return drawn


def row(model: Any, *, prompt: int, count: int, seed: int, final: bool = True) -> flow.FlowRow:
    conditions = small.reference(seed, prompt)
    noise = NoiseStrip(small.DEVICE).mels(seed, 0, 2 * (prompt + count))
    reference = flow.Reference.of(model.flow, conditions)
    return flow.FlowRow(
        reference, torch.tensor(tokens(count, seed), device=small.DEVICE), noise, final
    )


@BOTH
def test_flow_gives_the_mels_of_the_package(variant: Variant) -> None:
    model = small.s3gen(variant)
    steps = 2 if model.meanflow else 4
    ours = row(model, prompt=14, count=19, seed=3)
    conditions = {
        name: value.to(small.DEVICE) if isinstance(value, torch.Tensor) else value
        for name, value in small.reference(3, 14).items()
    }
    theirs, _ = model.flow.inference(
        token=ours.tokens[None],
        token_len=torch.tensor([19], device=small.DEVICE),
        finalize=True,
        n_timesteps=steps,
        noised_mels=ours.noise[None],
        meanflow=model.meanflow,
        **conditions,
    )
    (made,) = flow.mels(model.flow, [ours], steps=steps, meanflow=model.meanflow)
    torch.testing.assert_close(made, theirs[0], atol=1e-4, rtol=0)


@BOTH
def test_each_row_of_a_mixed_flow_batch_is_as_alone(variant: Variant) -> None:
    model = small.s3gen(variant)
    rows = [
        row(model, prompt=14, count=19, seed=1),
        row(model, prompt=30, count=7, seed=2, final=False),
        row(model, prompt=5, count=33, seed=3),
        row(model, prompt=22, count=12, seed=4, final=False),
    ]
    together = flow.mels(model.flow, rows, steps=3, meanflow=model.meanflow)
    for one, made in zip(rows, together, strict=True):
        (alone,) = flow.mels(model.flow, [one], steps=3, meanflow=model.meanflow)
        assert made.shape == (80, one.frames - 2 * one.reference.tokens.shape[0])
        torch.testing.assert_close(made, alone, atol=1e-4, rtol=0)


def vocoder_row(frames: int, seed: int) -> hift.SourceRow:
    random = torch.Generator().manual_seed(seed)
    noise = NoiseStrip(small.DEVICE)
    return hift.SourceRow(
        mels=torch.randn(80, frames, generator=random).to(small.DEVICE),
        cached=torch.zeros(0, device=small.DEVICE),
        phase=0.0,
        phases=noise.phases(seed, 9),
        noise=noise.source(seed, 0, frames * hift.HOP, 9),
    )


def test_hift_gives_the_samples_of_the_package_for_one_source() -> None:
    model = small.s3gen(Variant.TURBO).mel2wav
    given = vocoder_row(11, seed=5)
    (before,) = hift.render(model, [given])
    theirs = model.decode(x=given.mels[None], s=before.source[None, None])
    hift.prepare(model)
    (folded,) = hift.render(model, [given])
    torch.testing.assert_close(before.samples, theirs[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(folded.samples, theirs[0], atol=1e-5, rtol=0)


def test_each_row_of_a_mixed_hift_batch_is_as_alone() -> None:
    model = small.s3gen(Variant.TURBO).mel2wav
    rows = [vocoder_row(frames, seed=frames) for frames in (9, 31, 17)]
    for given, rendered in zip(rows, hift.render(model, rows), strict=True):
        (alone,) = hift.render(model, [given])
        assert rendered.samples.shape == (given.mels.shape[1] * hift.HOP,)
        torch.testing.assert_close(rendered.samples, alone.samples, atol=1e-4, rtol=0)


def spoken(vocoder: Vocoder, count: int, seed: int, chunk: int) -> tuple[torch.Tensor, list[int]]:
    """Audio of a stream that gets its tokens one by one, and where its joints are."""
    stream = SpeechStream(vocoder.reference(small.reference(seed)), chunk, seed)
    parts: list[torch.Tensor] = []
    for token in tokens(count, seed):
        stream.tokens.append(token)
        if stream.ready:
            parts.extend(vocoder.render([stream]))
    stream.final = True
    while stream.ready:
        parts.extend(vocoder.render([stream]))
    joints = torch.tensor([part.shape[0] for part in parts]).cumsum(0)[:-1].tolist()
    return torch.cat(parts), joints


@BOTH
@pytest.mark.parametrize("chunk", [12, 25])
def test_streamed_speech_is_as_long_as_speech_made_at_once(variant: Variant, chunk: int) -> None:
    vocoder = Vocoder(small.s3gen(variant), steps=2, watermark=None)
    streamed, joints = spoken(vocoder, 83, seed=9, chunk=chunk)
    once, none = spoken(vocoder, 83, seed=9, chunk=1000)
    assert joints
    assert len(none) < len(joints)
    assert streamed.shape == once.shape == (83 * 2 * hift.HOP,)
    assert streamed.isfinite().all()


def test_a_stream_in_one_piece_equals_the_vocoder_alone_over_all_frames() -> None:
    """With one set of mels, chunks differ from one shot only by what the held part hides."""
    model = small.s3gen(Variant.TURBO).mel2wav
    hift.prepare(model)
    whole = vocoder_row(60, seed=2)
    (once,) = hift.render(model, [whole])
    first = hift.SourceRow(
        whole.mels[:, :30], whole.cached, 0.0, whole.phases, whole.noise[:, : 30 * hift.HOP]
    )
    (one,) = hift.render(model, [first])
    kept = 30 - HELD
    second = hift.SourceRow(
        whole.mels[:, kept - 16 :],
        one.source[(kept - 16) * hift.HOP : kept * hift.HOP],
        float(one.cycles[kept] % 1),
        whole.phases,
        whole.noise[:, kept * hift.HOP :],
    )
    (two,) = hift.render(model, [second])
    after = two.samples[(16 + FADE) * hift.HOP :]
    torch.testing.assert_close(after, once.samples[(kept + FADE) * hift.HOP :], atol=2e-3, rtol=0)


def test_rows_of_one_render_do_not_depend_on_each_other() -> None:
    vocoder = Vocoder(small.s3gen(Variant.TURBO), steps=2, watermark=None)

    def stream(seed: int, count: int) -> SpeechStream:
        made = SpeechStream(vocoder.reference(small.reference(seed, 10 + seed)), 25, seed)
        made.tokens.extend(tokens(count, seed))
        return made

    together = vocoder.render([stream(1, 15), stream(2, 40), stream(3, 25)])
    for seed, count, made in zip((1, 2, 3), (15, 40, 25), together, strict=True):
        (alone,) = vocoder.render([stream(seed, count)])
        torch.testing.assert_close(made, alone, atol=1e-4, rtol=0)
