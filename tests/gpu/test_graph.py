"""tests/chatterbox/test_graph.py on CUDA."""

from tests.chatterbox.test_graph import *  # noqa: F403
