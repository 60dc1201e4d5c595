"""One pass of T3's transformer over packed tokens of many rows.

The layers are the package's (Hugging Face's GPT-2 and Llama); only the order in which
they are called is ours, because attention must go to each row's own slot and position.
"""

from typing import Any, Protocol

import torch

from services.tts.engines.chatterbox.attention import Attention
from services.tts.engines.chatterbox.cache import Shape


class Backbone(Protocol):
    """A transformer that runs on packed tokens."""

    @property
    def shape(self) -> Shape:
        """Size of its keys and values."""
        ...

    @property
    def longest(self) -> int:
        """Tokens of a row, prompt and speech together, beyond which it knows no position."""
        ...

    def __call__(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attention
    ) -> torch.Tensor:
        """Hidden states after the last norm.

        Args:
            tokens: embeddings [tokens, width].
            positions: int64 [tokens], of each in its row.
            attend: the rows' past.
        """
        ...


def backbone_of(t3: Any) -> Backbone:
    """The one that fits a loaded T3."""
    return Gpt2(t3.tfmr) if t3.is_gpt else Llama(t3.tfmr)


class Gpt2:
    """Turbo's transformer."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._heads = int(model.config.num_attention_heads)

    @property
    def shape(self) -> Shape:
        width = int(self._model.config.hidden_size)
        return Shape(len(self._model.h), self._heads, width // self._heads)

    @property
    def longest(self) -> int:
        return int(self._model.wpe.num_embeddings)

    def __call__(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attention
    ) -> torch.Tensor:
        x = tokens + self._model.wpe(positions)
        for layer, block in enumerate(self._model.h):
            mixed = block.attn.c_attn(block.ln_1(x)).unflatten(-1, (3, self._heads, -1))
            attended = attend(layer, mixed[:, 0], mixed[:, 1], mixed[:, 2])
            x = x + block.attn.c_proj(attended)
            x = x + block.mlp(block.ln_2(x))
        return self._model.ln_f(x)


class Llama:
    """The transformer of english and multilingual."""

    def __init__(self, model: Any) -> None:
        self._model = model
        config = model.config
        self._heads = int(config.num_attention_heads)
        if config.num_key_value_heads != self._heads:
            raise ValueError("grouped key/value heads are not used by any Chatterbox model")

    @property
    def shape(self) -> Shape:
        return Shape(len(self._model.layers), self._heads, int(self._model.config.head_dim))

    @property
    def longest(self) -> int:
        return int(self._model.config.max_position_embeddings)

    def __call__(
        self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attention
    ) -> torch.Tensor:
        x = tokens
        cos, sin = self._model.rotary_emb(x[None], positions[None])
        cos, sin = cos[0, :, None], sin[0, :, None]
        for layer, block in enumerate(self._model.layers):
            inner = block.input_layernorm(x)
            query, key, value = (
                projection(inner).unflatten(-1, (self._heads, -1))
                for projection in (
                    block.self_attn.q_proj,
                    block.self_attn.k_proj,
                    block.self_attn.v_proj,
                )
            )
            attended = attend(layer, _rotate(query, cos, sin), _rotate(key, cos, sin), value)
            x = x + block.self_attn.o_proj(attended)
            x = x + block.mlp(block.post_attention_layernorm(x))
        return self._model.norm(x)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary position: pairs are (i, i + half)."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin
