"""Registered models: versions with their bytes, stages, aliases, lineage and past."""
