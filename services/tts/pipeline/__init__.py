"""Pure flow from text to paced audio; knows engines by their seam only."""
