"""What turns speech into text. Only this package may import model libraries."""
