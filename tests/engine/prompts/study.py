"""A workspace whose prompts are worked with directly: a real database, a clock that is moved by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.clock import ManualClock
from engine.db.database import Database
from engine.prompts.model import NewPrompt, PromptKind, PromptVersion
from engine.prompts.service import Prompts
from tests.builders import empty_workspace, make_access

if TYPE_CHECKING:
    from pathlib import Path

CHAT = json.dumps([{"role": "system", "content": "Be {{style}}."}, {"role": "user", "content": "{{question}}"}])


class Study:
    """Prompts and what they stand on.

    Args:
        path: Where to make the workspace.
    """

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock()
        self.database = Database(empty_workspace(path / "workspace").control_db, clock=self.clock)
        self.database.migrate()
        self.prompts = self.as_role(Role.ADMIN)

    def as_role(self, role: Role, *, read_only: bool = False) -> Prompts:
        """The prompts as somebody of that role sees them."""
        return Prompts(self.database, make_access(role, read_only=read_only), self.clock)

    def text(self, template: str = "Hello {{name}}", name: str = "greeting") -> PromptVersion:
        """Register a text."""
        self.clock.advance(1)
        return self.prompts.register(name, NewPrompt(template))

    def chat(self, template: str = CHAT, name: str = "greeting") -> PromptVersion:
        """Register a chat."""
        self.clock.advance(1)
        return self.prompts.register(name, NewPrompt(template, PromptKind.CHAT))

    def audited(self) -> list[tuple[str, str, str]]:
        """Verb, kind and key of every record of prompts, oldest first."""
        with self.database.snapshot() as view:
            sql = "SELECT verb, kind, key FROM audit WHERE kind IN ('prompt', 'prompt version') ORDER BY seq"
            return [tuple(row) for row in view.execute(sql)]

    def news(self) -> list[tuple[str, str, str]]:
        """Kind, change and key of every event of prompts, oldest first."""
        with self.database.snapshot() as view:
            sql = "SELECT kind, change, key FROM event WHERE kind IN ('prompt', 'prompt version') ORDER BY id"
            return [tuple(row) for row in view.execute(sql)]
