"""Views that are more than a list, and dialogs. Each is imported when it is first opened."""
