"""Care of the workspace itself: backup, restore, check, statistics."""
