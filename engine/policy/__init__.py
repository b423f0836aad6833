"""Policies and roles: `quarterdeck.toml` read into typed values, every mistake named by line and key."""
