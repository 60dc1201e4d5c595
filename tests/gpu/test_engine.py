"""tests/chatterbox/test_engine.py on CUDA."""

from tests.chatterbox.test_engine import *  # noqa: F403
