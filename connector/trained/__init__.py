"""Trained models between training and scoring: which version scores, which one waits, how one takes another's place."""
