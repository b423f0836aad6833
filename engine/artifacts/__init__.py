"""Content-addressed files: every object is named by the SHA-256 of its bytes and checked against it when read."""
