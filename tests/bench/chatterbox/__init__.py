"""Chatterbox beside its own package: same weights, same tokens, one run."""
