"""Measurements, never tests: they print and write docs/benchmarks.md, and fail nobody."""
