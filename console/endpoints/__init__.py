"""Endpoints as the console sees them: what was read of one, how it reads, and what can be done to it."""
