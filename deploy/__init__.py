"""How Parley is locked, installed, started, checked and deployed."""
