"""How good the facts are that a model is asked to score: measured, graded, with the rules that suffer from it."""
