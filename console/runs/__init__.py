"""The sections of one run's view, and what can be done with a run there."""
