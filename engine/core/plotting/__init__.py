"""Charts without a terminal: axes, labels, and pictures as SVG."""
