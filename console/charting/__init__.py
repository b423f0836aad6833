"""Charts of runs: what the operator chose, what is read, what is drawn; shared by one run and by several."""
