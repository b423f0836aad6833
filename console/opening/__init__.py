"""Opening what runs left behind: text in a pager of our own, pictures and pages outside; nothing is ever executed."""
