"""Alerts: raised once, owned by somebody, silenced with a reason, resolved."""
