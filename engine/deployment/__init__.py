"""Promotion and rollback: the use cases that move a version between stages, and the rules that let them."""
