"""Monitoring: what is looked at, how often, and what came of it."""
