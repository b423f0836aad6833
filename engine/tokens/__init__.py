"""Tokens: who may use the server, and how far."""
