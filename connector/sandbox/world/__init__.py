"""The worlds a sandbox can hold: made up from a seed, or read from canonical tables."""
