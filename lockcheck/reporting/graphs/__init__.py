"""Prints the lock-order graph: one module per format, from the neutral model in `model`."""
