"""Pure flow from samples to messages; knows engines by their seam only."""
