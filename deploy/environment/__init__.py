"""Virtual environments filled from the locks, with nothing but the standard library and pip."""
