"""A user's own files are where the XDG specification says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.places import user_config, user_state


def test_places_follow_the_variables() -> None:
    environ = {"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "HOME": "/home/ada"}
    assert user_config(environ) == Path("/c/quarterdeck")
    assert user_state(environ) == Path("/s/quarterdeck")


@pytest.mark.parametrize("given", ["", "relative/path"])
def test_a_relative_path_does_not_count_as_the_specification_demands(given: str) -> None:
    environ = {"XDG_CONFIG_HOME": given, "XDG_STATE_HOME": given, "HOME": "/home/ada"}
    assert user_config(environ) == Path("/home/ada/.config/quarterdeck")
    assert user_state(environ) == Path("/home/ada/.local/state/quarterdeck")


def test_the_process_s_own_variables_count_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/mine")
    assert user_config() == Path("/mine/quarterdeck")
