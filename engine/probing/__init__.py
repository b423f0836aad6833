"""Endpoints that somebody else serves: kept by name, probed on a schedule, shown beside ours."""
