"""Telemetry: what endpoints were asked and answered, how quickly, and what turned out to be true."""
