"""Webhooks: telling other programs what happened."""
