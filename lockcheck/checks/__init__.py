"""One module per rule, over the linked project."""
