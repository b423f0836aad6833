"""Prompts: versioned templates for language models, with aliases and differences."""
