"""Chatterbox on its own classes, with small random weights and once at full size.

Runs under ``make test-chatterbox``, whose environment holds torch and the package.
"""
