"""The commands of ``python -m shared.clients``: one file each."""
