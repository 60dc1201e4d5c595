"""Starts the three services on this machine, watches them, and stops them together.

Standard library only: it runs in the Python that makes the virtual environment.
"""
