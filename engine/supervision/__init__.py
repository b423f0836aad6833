"""Keeping the processes of a workspace running."""
