"""Traces: what a program did while it answered one request, span by span."""
