"""Experiments, runs and what they log; search over them; histories reduced for charts."""
