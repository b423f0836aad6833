"""Profiles: what a column of any length holds, in counts that add up."""
