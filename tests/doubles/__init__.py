"""Small servers that speak the real wires, for tests and benches of one service alone."""
