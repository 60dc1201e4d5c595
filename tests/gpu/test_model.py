"""tests/chatterbox/test_model.py on CUDA."""

from tests.chatterbox.test_model import *  # noqa: F403
