"""`python -m engine.cli`: the headless commands alone, where no console is installed."""

from __future__ import annotations

import sys

from engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
