"""What sound costs before any model sees it, and after."""
