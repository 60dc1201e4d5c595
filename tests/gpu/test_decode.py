"""tests/chatterbox/test_decode.py on CUDA."""

from tests.chatterbox.test_decode import *  # noqa: F403
