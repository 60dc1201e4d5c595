"""tests/chatterbox/test_vocode.py on CUDA."""

from tests.chatterbox.test_vocode import *  # noqa: F403
