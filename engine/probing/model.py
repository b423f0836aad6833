"""External endpoints, what probes find there, and the pure rules of what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from engine.core.frozen import frozen

DAY_MS = 86_400_000
LOOKED_AT = 5
"""How many of the newest probes say how an endpoint does."""

SOON_MS = 14 * DAY_MS
"""How long before its end a certificate is worth a word."""

_OVERDUE_MS = 30_000


class Protocol(StrEnum):
    """What an endpoint is asked."""

    V2 = "v2"
    """Open Inference Protocol: ready, and the metadata of its model."""
    MLFLOW = "mlflow"
    """`/ping` and `/version`, as MLflow's scoring server has them."""
    HTTP = "http"
    """The URL itself; its status is all that counts."""


class HealthState(StrEnum):
    """How an external endpoint does, in a word."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    FAILING = "Failing"
    UNKNOWN = "Unknown"


@frozen
class ExternalEndpoint:
    """An endpoint that somebody else serves.

    Args:
        row_id: Its integer key; given to no other.
        name: Its name; no endpoint of ours has it.
        url: Where it is, `http` or `https`, without a slash at the end.
        protocol: What it is asked.
        model: The name of the model it says to serve; empty when it names none. A v2 server must know it.
        interval_ms: How long from one probe to the next, in milliseconds.
        timeout_ms: How long a probe may take altogether, in milliseconds.
        expected_status: The HTTP status that is right.
        headers: What is sent along: the environment variable that holds the value, by the header's name.
        description: Free text; may be empty.
        owner: Who answers for it; may be empty.
        tags: Its tags.
        created_ms: When it was registered, in milliseconds since the epoch.
        updated_ms: When it last changed, in milliseconds since the epoch.
        created_by: Who registered it.
    """

    row_id: int
    name: str
    url: str
    protocol: Protocol
    model: str
    interval_ms: int
    timeout_ms: int
    expected_status: int
    headers: Mapping[str, str]
    description: str
    owner: str
    tags: Mapping[str, str]
    created_ms: int
    updated_ms: int
    created_by: str


@frozen
class ExternalChange:
    """What is to be changed of an external endpoint; what is `None` stays.

    Args:
        url: Where it is.
        protocol: What it is asked.
        model: The name of the model it says to serve; empty for none.
        interval_ms: How long from one probe to the next, in milliseconds.
        timeout_ms: How long a probe may take, in milliseconds.
        expected_status: The HTTP status that is right.
        headers: Environment variables by header; all of them.
        description: Free text.
        owner: Who answers for it.
        tags: Its tags; all of them.
    """

    url: str | None = None
    protocol: Protocol | None = None
    model: str | None = None
    interval_ms: int | None = None
    timeout_ms: int | None = None
    expected_status: int | None = None
    headers: Mapping[str, str] | None = None
    description: str | None = None
    owner: str | None = None
    tags: Mapping[str, str] | None = None


@frozen
class Probe:
    """What one probe found; every text is cleaned.

    Args:
        time_ms: When it began, in milliseconds since the epoch.
        ok: Whether all was as expected.
        status: The HTTP status of the answer that decided; `None` when there was none.
        latency_us: How long the first answer took, from the request to its last byte, in microseconds; `None` when
            there was none.
        problem: What was wrong; empty when nothing was.
        tls_expires_ms: When the certificate ends, in milliseconds since the epoch; `None` without TLS.
        facts: What the endpoint said of itself, such as `version` and `platform`.
    """

    time_ms: int
    ok: bool
    status: int | None = None
    latency_us: int | None = None
    problem: str = ""
    tls_expires_ms: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@frozen
class ProbeHour:
    """Sums over the probes of an hour.

    Args:
        start_ms: When the hour began, in milliseconds since the epoch.
        probes: How many there were.
        failures: How many found something wrong.
        mean_latency_us: Of those that were answered, in microseconds; `None` when none was.
        max_latency_us: The longest, in microseconds; `None` when none was answered.
    """

    start_ms: int
    probes: int
    failures: int
    mean_latency_us: int | None
    max_latency_us: int | None


@frozen
class Health:
    """How an external endpoint does.

    Args:
        state: In a word.
        words: In a sentence.
        last: The newest probe; `None` before the first.
    """

    state: HealthState
    words: str
    last: Probe | None = None


@frozen
class Watched:
    """An external endpoint and how it does.

    Args:
        endpoint: The endpoint.
        health: How it does.
    """

    endpoint: ExternalEndpoint
    health: Health


def overdue_ms(endpoint: ExternalEndpoint) -> int:
    """How old the newest probe of an endpoint may be before nobody knows how it does, in milliseconds."""
    return max(3 * endpoint.interval_ms + endpoint.timeout_ms, _OVERDUE_MS)


def health_of(endpoint: ExternalEndpoint, probes: Sequence[Probe], now_ms: int) -> Health:
    """Say how an endpoint does, from what was found there last.

    One failure is a degradation, the second in a row a failure: a lost packet wakes nobody. The first probe of all has
    no past to be forgiven by.

    Args:
        endpoint: The endpoint.
        probes: Its newest probes, the newest first.
        now_ms: The present, in milliseconds since the epoch.

    Returns:
        How it does.
    """
    lately = probes[:LOOKED_AT]
    if not lately:
        return Health(HealthState.UNKNOWN, "It was never probed; `qd up` runs the prober.")
    last = lately[0]
    if now_ms - last.time_ms > overdue_ms(endpoint):
        ago_s = (now_ms - last.time_ms) // 1_000
        return Health(HealthState.UNKNOWN, f"The last probe was {ago_s} s ago; `qd up` runs the prober.", last)
    if not last.ok:
        return _failed(lately)
    return _answered(endpoint, lately, now_ms)


def _failed(lately: Sequence[Probe]) -> Health:
    last = lately[0]
    in_a_row = next((place for place, each in enumerate(lately) if each.ok), len(lately))
    if in_a_row == 1 and len(lately) > 1:
        return Health(HealthState.DEGRADED, f"The last probe failed: {last.problem}", last)
    times = "" if in_a_row == 1 else f" ({in_a_row} times in a row)"
    return Health(HealthState.FAILING, f"{last.problem}{times}", last)


def _answered(endpoint: ExternalEndpoint, lately: Sequence[Probe], now_ms: int) -> Health:
    last = lately[0]
    left_ms = None if last.tls_expires_ms is None else last.tls_expires_ms - now_ms
    if left_ms is not None and left_ms < SOON_MS:
        return Health(HealthState.DEGRADED, f"Its certificate ends in {max(left_ms, 0) // DAY_MS} days.", last)
    failures = sum(not each.ok for each in lately)
    if failures:
        return Health(HealthState.DEGRADED, f"{failures} of the last {len(lately)} probes failed.", last)
    slowest_us = max(each.latency_us or 0 for each in lately)
    if slowest_us > endpoint.timeout_ms * 500:
        return Health(HealthState.DEGRADED, f"It took up to {slowest_us // 1_000} ms to answer.", last)
    took = "" if last.latency_us is None else f" in {last.latency_us / 1_000:.1f} ms"
    return Health(HealthState.HEALTHY, f"It answered{took}.", last)
