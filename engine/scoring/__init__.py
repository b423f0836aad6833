"""Batch scoring: files in, files out, part by part."""
