"""Undo and redo: the inverse of what the audit log holds, done by the services' own operations and never by rows."""
