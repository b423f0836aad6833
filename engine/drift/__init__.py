"""Comparing what is with what was: decisions a feature, baselines of versions, reports."""
