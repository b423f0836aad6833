"""The long-running processes of a workspace: which there are, and how they do."""
