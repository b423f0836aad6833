"""`qd --plain`: the console as lines, for screen readers, terminals that cannot place a cursor, and scripts.

The screens are the console's own, run without a picture: what they read and what can be done in them is the same, and
stays so. Here stands only what is said of them (`telling`, `speech`), what is typed (`words`), how a dialog becomes
questions (`asking`), and the conversation itself (`session`).
"""
