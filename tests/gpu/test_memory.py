"""tests/chatterbox/test_memory.py on CUDA."""

from tests.chatterbox.test_memory import *  # noqa: F403
