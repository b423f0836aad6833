"""Our own HTTP API under `/api/qd/v1`: every operation of the engine, typed, with an OpenAPI document."""
