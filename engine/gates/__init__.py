"""Gates: what a version must show before it moves, one gate a file, each result kept as evidence bound to the bytes."""
