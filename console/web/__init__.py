"""`qd web`: the console in a browser on this machine, for those who have no terminal at hand.

The page, the terminal in it and the words on the socket are `textual-serve`'s. Ours is what it leaves open: who may
connect (`guard`), a console on a pseudo-terminal of its own for each page (`session`), and a server that puts both
together (`server`). A console in a browser draws through the same driver as one in a terminal, byte for byte.
"""
