"""tests/chatterbox/test_joints.py on CUDA."""

from tests.chatterbox.test_joints import *  # noqa: F403
