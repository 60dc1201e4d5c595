"""tests/chatterbox/test_precision.py on CUDA."""

from tests.chatterbox.test_precision import *  # noqa: F403
