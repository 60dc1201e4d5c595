"""What a conversation costs by itself, with services that answer at once."""
