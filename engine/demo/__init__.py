"""The demo: a workspace in which real models were trained on real data, registered, promoted and rolled back."""
