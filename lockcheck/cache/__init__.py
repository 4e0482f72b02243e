"""What a run keeps for the next one: facts by content, the linked result, and the output of whole runs."""
