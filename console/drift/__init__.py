"""Drift on the screen: verdicts of windows, features side by side, and performance as it was known."""
