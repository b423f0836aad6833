"""The data plane: answers predictions from an immutable table, whatever happens to the database beside it."""
