"""How the operator arranges a list: columns, widths, pins, orders and filters by column, and keeping all that."""
