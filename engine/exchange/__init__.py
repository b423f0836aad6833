"""Moving in and out: other trackers' runs and models into a workspace, and a workspace into another tracker's files."""
