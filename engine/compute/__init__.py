"""Work over many parts, wherever there are hands: threads, processes, a cluster."""
