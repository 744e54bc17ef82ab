"""Self-contained pages made from committed state."""
