"""Statistics, one method a file, each with its published source."""
