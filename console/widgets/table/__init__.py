"""The console's table: any number of rows, of which only those in view are read or drawn."""

from __future__ import annotations

from console.widgets.table.column import Cell, Column, Row
from console.widgets.table.roles import DEFAULT_ROLES
from console.widgets.table.rows import Key
from console.widgets.table.widget import VirtualTable

__all__ = ["DEFAULT_ROLES", "Cell", "Column", "Key", "Row", "VirtualTable"]
