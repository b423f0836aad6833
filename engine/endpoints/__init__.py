"""Endpoints: what should serve, in which shares, decided in the database and acknowledged by the data planes."""
