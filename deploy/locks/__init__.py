"""The locks under `deploy/requirements`: what is in them, how they are made and checked.

Nothing here needs more than the standard library, because it runs before anything is installed.
"""
