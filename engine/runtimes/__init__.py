"""Runtimes: a model file made into something that answers quickly, and the proof that it answers the same."""
