"""The HTTP front: our own API, the MLflow dialect, traces, health and measures."""
