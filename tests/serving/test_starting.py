"""The first moments of a data plane whose version loads slowly."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from tests.serving.shop import Shop, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Evaluated:
    """Its pickle, once loaded, is what an expression makes."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __reduce__(self) -> Any:
        return eval, (self._source,)


def slow(mark: Path) -> bytes:
    """A pickled model that, while a file is there, does not end to load."""
    waits = (
        f"any(not __import__('os').path.exists({str(mark)!r}) or __import__('time').sleep(0.02) for _ in range(1500))"
    )
    model = "type('M', (), {'n_features_in_': 1, 'predict': lambda self, rows: rows[:, 0] * 2})()"
    return pickle.dumps(Evaluated(f"{waits} and {model}"))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "loading"


@pytest.fixture
def shop(tmp_path: Path, mark: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "ws")
    version = made.register_bytes(slow(mark), "model/model.pkl", build=False)
    made.engine.builds.allow_pickle("churn", version, reason="made by this test")
    made.engine.builds.build("churn", version)
    made.engine.endpoints.create("churn", "churn")
    made.engine.endpoints.deploy("churn", version, reason="first")
    yield made
    made.engine.close()


def test_a_version_that_loads_slowly_is_said_to_be_coming_until_it_answers(shop: Shop, mark: Path) -> None:
    row = {"features": [21.0]}
    mark.touch()
    with shop.serve() as served:
        for path in ("/predict", "/churn/predict", "/invocations"):
            reply = served.ask("POST", path, row)
            assert (reply.status, reply.headers.get("retry-after")) == (503, "1"), reply.body
            assert b"still being loaded" in reply.body
        assert served.ask("GET", "/v2/models/churn/ready").status == 503
        assert served.ask("GET", "/v2/health/ready").status == 503
        assert served.ask("GET", "/v2/health/live").status == 200
        assert served.ask("POST", "/churm/predict", row).status == 404  # nobody will ever load that
        mark.unlink()
        seen: list[int] = []

        def answers() -> bool:
            reply = served.ask("POST", "/predict", row)
            seen.append(reply.status)
            return reply.status == 200

        until(answers, within_s=20)
        assert set(seen) <= {200, 503}
        assert served.ask("POST", "/churn/predict", row).json()["prediction"] == 42.0
        assert served.ask("GET", "/v2/health/ready").status == 200
