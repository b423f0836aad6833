"""The audit log: who did what, when and why; append-only and tamper-evident, written in the caller's transaction."""
