"""The command line of the console: its words, what they lead to, what was typed before, and what the operator added."""
