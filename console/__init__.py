"""The Quarterdeck console: the live, keyboard-driven screens over the engine."""
