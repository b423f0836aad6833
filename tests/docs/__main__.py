"""`make docs`: write the pages of docs/ that are made from the registries; a test says when they are stale."""

from __future__ import annotations

from tests.docs.pages import FOLDER, PAGES


def main() -> None:
    """Write all of them."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
