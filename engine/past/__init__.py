"""The past as it was: every table of the control database turned back to a moment, for the same services to read."""
