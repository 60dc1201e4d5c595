"""What turns text into speech. Only this package may import model libraries."""
