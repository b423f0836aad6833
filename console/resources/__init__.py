"""Lists: one file a resource, each a description of columns, source and actions for the one list view."""
