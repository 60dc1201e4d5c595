"""The three services of Parley; each is a package started with ``python -m``."""
