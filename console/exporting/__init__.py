"""Taking what a list shows elsewhere: to the clipboard, and to files."""
