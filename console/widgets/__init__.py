"""Widgets of the console; each is usable without the application."""
