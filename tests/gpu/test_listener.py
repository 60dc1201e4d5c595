"""tests/chatterbox/test_listener.py on CUDA."""

from tests.chatterbox.test_listener import *  # noqa: F403
