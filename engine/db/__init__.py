"""The workspace on disk: discovery, SQLite connections, the one writer, migrations and the change feed."""
