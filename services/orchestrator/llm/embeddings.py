"""Meanings as vectors, from any OpenAI-compatible ``/v1/embeddings``."""

import asyncio
import json

import httpx
import numpy as np
from numpy.typing import NDArray

from shared.errors import UpstreamFailed

Vector = NDArray[np.float32]
"""float32 [n], of length 1."""

_PATIENCE_S = 0.8
"""A cache that is slower than this saves nothing."""


class Embeddings:
    """Asks a server; one request a text."""

    def __init__(self, client: httpx.AsyncClient, model: str) -> None:
        self._client = client
        self._model = model

    async def of(self, text: str) -> Vector:
        """The meaning of a text.

        Raises:
            UpstreamFailed: the server is away, slow, or answers something else.
        """
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await self._client.post(
                    "embeddings", json={"model": self._model, "input": text}
                )
            answer.raise_for_status()
            vector = np.asarray(answer.json()["data"][0]["embedding"], np.float32)
        except (httpx.HTTPError, TimeoutError) as error:
            raise UpstreamFailed(f"no embedding: {type(error).__name__}") from error
        except (KeyError, IndexError, TypeError, ValueError, json.JSONDecodeError) as error:
            raise UpstreamFailed("the embeddings server answered something else") from error
        length = float(np.linalg.norm(vector)) if vector.ndim == 1 else 0.0
        if not np.isfinite(length) or length == 0:
            raise UpstreamFailed("the embeddings server answered no vector")
        return vector / np.float32(length)
