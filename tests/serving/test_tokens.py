from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.access import Role
from tests.serving.shop import until

if TYPE_CHECKING:
    from tests.serving.shop import Shop

BODY = {"features": [0.5, -1.0, 2.0, 0.25]}


def test_who_shows_no_good_token_gets_nothing_but_health(shop: Shop) -> None:
    made = shop.engine.tokens.create("reader", user="ada", scope=Role.VIEWER)
    with shop.serve("--require-tokens", "churn") as served:
        good = {"authorization": f"Bearer {made.secret}"}
        assert served.ask("GET", "/v2/health/ready").status == 200
        for headers in ({}, {"authorization": "Bearer qd_wrong"}, {"authorization": "Basic eDp5"}):
            assert served.ask("POST", "/predict", BODY, headers).status == 401
            assert served.ask("GET", "/metrics", None, headers).status == 401
        assert served.ask("POST", "/predict", BODY, good).status == 200
        labels = [{"request_id": "a", "label": 1}]
        assert served.ask("POST", "/labels", labels, good).status == 403
        shop.engine.tokens.revoke(made.token.id)
        until(lambda: served.ask("POST", "/predict", BODY, good).status == 401)


def test_who_guesses_tokens_is_made_to_wait(shop: Shop) -> None:
    with shop.serve("--require-tokens") as served:
        guesses = [{"authorization": f"Bearer qd_{number}"} for number in range(12)]
        seen = [served.ask("POST", "/predict", BODY, guess).status for guess in guesses]
        assert seen == [401] * 10 + [429] * 2
