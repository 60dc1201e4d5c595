"""tests/chatterbox/test_attention.py on CUDA."""

from tests.chatterbox.test_attention import *  # noqa: F403
