"""A Dask cluster, of this machine or of many: the extra `dask`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.compute.pooled import PooledExecutor
from engine.core.errors import InvalidInput, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

CONNECT_S = 10
"""How long a scheduler may take to answer."""


class DaskExecutor(PooledExecutor):
    """Works on a Dask cluster. Workers elsewhere need Quarterdeck, and see the same files under the same names.

    Args:
        scheduler: Its address, such as `tcp://10.0.0.5:8786`; `threads` or `processes` begin a cluster of this machine.
        workers: How many workers a cluster of this machine has; another's are counted.

    Raises:
        InvalidInput: Dask is not installed, or that is no address.
        Unreachable: nothing answers there.
    """

    name = "dask"

    def __init__(self, scheduler: str, workers: int) -> None:
        try:
            import distributed as dask
        except ImportError as error:
            raise InvalidInput("Dask is not installed.", hint="Install quarterdeck[dask].") from error
        library: Any = dask  # it has no types
        self.lost = (library.KilledWorker,)
        self.shares_memory = scheduler == "threads"
        self._cluster: Any = None
        address: Any = scheduler
        if scheduler in ("threads", "processes"):
            self._cluster = address = library.LocalCluster(
                n_workers=1 if scheduler == "threads" else workers,
                threads_per_worker=workers if scheduler == "threads" else 1,
                processes=scheduler == "processes",
                dashboard_address="127.0.0.1:0",  # without one it takes the usual port, at every address
                worker_dashboard_address="127.0.0.1:0",  # same
            )
        try:
            self._client: Any = library.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise Unreachable("No Dask scheduler answers there.", hint="Check --scheduler.") from error
        except ValueError as error:
            raise InvalidInput(
                "That is no address of a scheduler.", hint="Write tcp://HOST:PORT or threads."
            ) from error
        super().__init__(sum(self._client.nthreads().values()) or workers)
        self._pool: Any = self._client.get_executor(pure=False)

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Begin one call."""
        future: Future[Any] = self._pool.submit(function, item)
        return future

    def close(self) -> None:
        """Drop what waits and leave the cluster; one of this machine ends."""
        self._pool.shutdown(wait=False)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
