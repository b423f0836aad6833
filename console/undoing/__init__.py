"""Undo and redo on the screen: what each action leaves in the audit log, the dialog, the keys."""
