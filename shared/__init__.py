"""What two or more services need. Nothing here imports a model library."""

__version__ = "0.1.0"
