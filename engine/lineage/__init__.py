"""Lineage as a tree, from either side: datasets, runs, versions, endpoints, alerts, prompts, traces, batches."""
