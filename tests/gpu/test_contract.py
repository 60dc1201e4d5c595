"""tests/chatterbox/test_contract.py on CUDA."""

from tests.chatterbox.test_contract import *  # noqa: F403
