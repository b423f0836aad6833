from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.core.percent import percent_of, share_of_percent
from engine.core.plain import plain
from engine.endpoints.model import Cause, Route, RouteWish, Share
from engine.policy.rollout import parse_plan


@given(st.integers(0, 1_000))
def test_a_share_that_programs_read_is_read_back_as_it_was(share: int) -> None:
    assert share_of_percent(json.loads(json.dumps(percent_of(share)))) == share


@pytest.mark.parametrize("value", [-0.1, 100.1, 0.05, 12.34, math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_percentage_in_steps_of_a_tenth_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="A share is"):
        share_of_percent(value)


def test_every_share_is_told_in_percent() -> None:
    assert plain(Route(3, Share.CANARY, 125)) == {"deployment": 3, "share": "canary", "weight": 12.5}
    wish = plain(RouteWish(Cause.TRAFFIC, weights={2: 1, 3: 50}))
    assert wish["weights"] == {"2": 0.1, "3": 5}
    assert [each["weight"] for each in plain(parse_plan("shadow 1m -> 5% 1m -> 100%"))] == [0, 5, 100]
