"""What carries a conversation to its client."""
