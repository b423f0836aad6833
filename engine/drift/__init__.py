"""Drift: whether data still is what a model was made for, and where it is not."""
