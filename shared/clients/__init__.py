"""Clients of the three services that mend their lines, and the command line."""
