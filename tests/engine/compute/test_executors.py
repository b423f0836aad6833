"""Every executor of ours holds the contract that plug-ins are held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from engine.compute.choosing import choose
from engine.compute.model import Executor
from engine.core.errors import InvalidInput, Unreachable
from engine.testing.executors import CHECKS

KINDS = {
    "serial": ("serial", ""),
    "threads": ("threads", ""),
    "loky": ("loky", ""),
    "dask-threads": ("dask", "threads"),
    "dask-cluster": ("dask", "processes"),
}


@pytest.fixture(scope="module", params=KINDS)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    backend, scheduler = KINDS[request.param]
    if backend == "dask":
        pytest.importorskip("distributed", reason="the extra dask is not installed")
    with closing(choose(backend, jobs=2, scheduler=scheduler)) as made:
        yield made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_holds_the_contract(executor: Executor, check: Callable[[Executor], None]) -> None:
    check(executor)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(InvalidInput, match="serial, threads, loky, dask"):
        choose("ray")


def test_a_scheduler_is_for_dask_alone() -> None:
    with pytest.raises(InvalidInput, match="--backend dask"):
        choose("threads", scheduler="tcp://127.0.0.1:8786")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "ftp://x"])
def test_a_scheduler_that_is_not_there_is_an_error_soon(address: str) -> None:
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    with pytest.raises((Unreachable, InvalidInput)):
        choose("dask", jobs=1, scheduler=address)
