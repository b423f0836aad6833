"""A shadow beside a data plane: its process may die, hang or be starved, and no caller and no count is lost."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.endpoints.model import Share
from tests.serving.callers import Callers
from tests.serving.shop import Shop, trained, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving.shop import Served

ROW = [0.5, -1.0, 2.0, 0.25]
WORKER = "engine.serving.shadow_worker"


def watched(path: Path) -> Shop:
    """A workspace whose endpoint has a shadow."""
    made = Shop(path)
    for seed in (0, 1):
        made.register(trained(seed))
    made.engine.endpoints.create("churn", "churn", capture=1.0)
    made.engine.endpoints.deploy("churn", 1, reason="first")
    made.engine.endpoints.deploy("churn", 2, share=Share.SHADOW, reason="watch")
    return made


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = watched(tmp_path_factory.mktemp("shadowing") / "ws")
    yield made
    made.engine.close()


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as running:
        until(lambda: running.ask("GET", "/v2/health/ready").status == 200, within_s=30)
        yield running


def metric(served: Served, name: str) -> int:
    """What is told of the shadow under a name."""
    text = served.ask("GET", "/metrics").body.decode()
    return sum(int(each) for each in re.findall(rf'^{name}{{[^}}]*share="shadow"[^}}]*}} (\d+)$', text, re.MULTILINE))


def answered(served: Served) -> int:
    return metric(served, "quarterdeck_requests_total")


def dropped(served: Served) -> int:
    return metric(served, "quarterdeck_shadow_dropped_total")


def test_its_process_may_be_killed_again_and_again_and_no_live_request_is_lost(served: Served) -> None:
    until(lambda: served.child(WORKER) != 0, within_s=30)
    with Callers(served, ROW) as callers:
        for _ in range(3):
            until(lambda: served.child(WORKER) != 0, within_s=30)
            os.kill(served.child(WORKER), signal.SIGKILL)
            callers.heard(200)
    assert (callers.lost, callers.statuses) == (0, {200})
    sent = len(callers.outcomes)
    until(lambda: answered(served) + dropped(served) == sent, within_s=30)
    before, asked = answered(served), []

    def answers_again() -> bool:
        asked.append(served.ask("POST", "/predict", {"features": ROW}).status)
        return answered(served) > before

    until(answers_again, within_s=30)
    until(lambda: answered(served) + dropped(served) == sent + len(asked), within_s=30)
    assert set(asked) == {200}
    assert metric(served, "quarterdeck_shadow_compared_total") == answered(served)


def test_one_that_hangs_makes_nobody_wait_and_what_is_too_much_is_counted(served: Served) -> None:
    until(lambda: served.child(WORKER) != 0, within_s=30)
    assert served.ask("POST", "/predict", {"features": ROW}).status == 200
    until(lambda: answered(served) == 1, within_s=30)
    os.kill(served.child(WORKER), signal.SIGSTOP)
    with Callers(served, ROW) as callers:
        callers.heard(1_500)
    assert (callers.lost, callers.statuses) == (0, {200})
    until(lambda: dropped(served) > 0)
    os.kill(served.child(WORKER), signal.SIGCONT)
    sent = len(callers.outcomes) + 1
    until(lambda: answered(served) + dropped(served) == sent, within_s=30)


def test_it_ends_with_a_data_plane_that_is_killed(served: Served) -> None:
    until(lambda: served.child(WORKER) != 0, within_s=30)
    process = served.child(WORKER)
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.wait(20)
    until(lambda: not Path(f"/proc/{process}").exists(), within_s=30)


def test_what_waits_for_it_at_the_end_is_counted(tmp_path: Path) -> None:
    own = watched(tmp_path / "ws")
    with own.serve() as served:
        until(lambda: served.ask("POST", "/predict", {"features": ROW}).status == 200, within_s=30)
        until(lambda: answered(served) == 1, within_s=30)
        process = served.child(WORKER)
        os.kill(process, signal.SIGSTOP)
        for _ in range(20):
            assert served.ask("POST", "/predict", {"features": ROW}).status == 200
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20) == 0
    until(lambda: not Path(f"/proc/{process}").exists())
    with own.serve():  # whose capture writer takes what the first one's has left
        until(lambda: mirrored(own) == (1, 20), within_s=30)
    own.engine.close()


def mirrored(shop: Shop) -> tuple[int, int]:
    """Copies that the workspace knows the shadow to have got, and not got."""
    (desired,) = shop.engine.endpoints.desired()
    (shadow,) = (each for each in desired.deployments if each.route.share is Share.SHADOW)
    found = shop.engine.telemetry.totals("churn", shadow.id)
    return found.requests, found.unmirrored
