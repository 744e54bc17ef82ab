"""Predictive models: what a trained table of log-odds says, and how it becomes part of a model's statement."""
