"""`/metrics`: Prometheus text with our names, and those that dashboards for KServe, MLServer and Triton look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.serving.calls import Answer
from engine.telemetry.histogram import bounds_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.serving.counting import Sums, Whose

_TEXT: tuple[bytes, bytes] = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")

_BOUNDS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Line = tuple[str, float]
"""Labels as Prometheus writes them, without braces, and a value."""


def exposition(sums: Mapping[Whose, Sums], gauges: Mapping[str, tuple[str, float]]) -> Answer:
    """All metrics as text.

    Args:
        sums: What was answered.
        gauges: How the process does: a help text and a value by name.
    """
    lines: list[str] = []
    for name, (text, value) in gauges.items():
        lines += _metric(name, "gauge", text, [("", value)])
    ours = [(_labels(each), sum_) for each, sum_ in sums.items()]
    lines += _metric("quarterdeck_requests_total", "counter", "Requests by outcome.", _outcomes(ours))
    lines += _histogram("quarterdeck_request_duration_seconds", "Time to answer, in seconds.", ours)
    for name, text, field in (
        ("quarterdeck_shadow_dropped_total", "Copies that a busy shadow did not get.", "unmirrored"),
        ("quarterdeck_shadow_compared_total", "Rows of which a shadow's answer was compared.", "compared"),
        ("quarterdeck_shadow_agreed_total", "Of those, rows with the same label.", "agreed"),
    ):
        lines += _metric(name, "counter", text, [(labels, getattr(each, field)) for labels, each in ours])
    lines += _aliases(sums)
    return Answer(200, ("\n".join(lines) + "\n").encode(), (_TEXT,))


def _aliases(sums: Mapping[Whose, Sums]) -> Iterator[str]:
    """The same numbers as other servers call them; copies for shadows are no requests there."""
    asked = [(whose, each) for whose, each in sums.items() if whose.share != "shadow"]
    versions = [(f'model="{_text(whose.endpoint)}",version="{whose.version}"', each) for whose, each in asked]
    good = _summed((labels, each.requests - each.errors - each.refused) for labels, each in versions)
    bad = _summed((labels, each.errors + each.refused) for labels, each in versions)
    duration = _summed((labels, each.latency_us) for labels, each in versions)
    yield from _metric("nv_inference_request_success", "counter", "Triton: requests that succeeded.", good)
    yield from _metric("nv_inference_request_failure", "counter", "Triton: requests that failed.", bad)
    yield from _metric("nv_inference_count", "counter", "Triton: inferences.", good)
    yield from _metric("nv_inference_exec_count", "counter", "Triton: model executions.", good)
    yield from _metric("nv_inference_request_duration_us", "counter", "Triton: time of all requests.", duration)
    yield from _metric("nv_inference_compute_infer_duration_us", "counter", "Triton: time of all models.", duration)
    yield from _metric("model_infer_request_success_total", "counter", "MLServer: requests that succeeded.", good)
    yield from _metric("model_infer_request_failure_total", "counter", "MLServer: requests that failed.", bad)
    rest = _summed(
        (f'method="POST",path="/v2/models/{_text(whose.endpoint)}/infer",status_code="{code}"', number)
        for whose, each in asked
        for code, number in (
            (200, each.requests - each.errors - each.refused),
            (400, each.refused),
            (500, each.errors),
        )
    )
    yield from _metric("rest_server_requests_total", "counter", "MLServer: REST requests.", rest)
    yield from _histogram(
        "rest_server_requests_duration_seconds",
        "MLServer: latency of REST requests.",
        [
            (
                f'method="POST",path="/v2/models/{_text(whose.endpoint)}/infer",version="{whose.version}",share="{whose.share}"',
                each,
            )
            for whose, each in asked
        ],
    )
    yield from _histogram(
        "request_predict_seconds",
        "KServe: latency of predictions.",
        [
            (f'model_name="{_text(whose.endpoint)}",version="{whose.version}",share="{whose.share}"', each)
            for whose, each in asked
        ],
    )


def _outcomes(ours: Iterable[tuple[str, Sums]]) -> Iterator[Line]:
    for labels, each in ours:
        yield f'{labels},outcome="ok"', each.requests - each.errors - each.refused
        yield f'{labels},outcome="refused"', each.refused
        yield f'{labels},outcome="error"', each.errors


def _summed(lines: Iterable[Line]) -> list[Line]:
    """One line a set of labels: what several shares of one version have is one number elsewhere."""
    found: dict[str, float] = {}
    for labels, value in lines:
        found[labels] = found.get(labels, 0) + value
    return list(found.items())


def _metric(name: str, kind: str, text: str, lines: Iterable[Line]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in lines:
        yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def _histogram(name: str, text: str, sums: Iterable[tuple[str, Sums]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} histogram"
    for labels, each in sums:
        total = sum(each.latency.values())
        for bound_s in _BOUNDS_S:
            # A bucket counts where it ends at or before the bound: at worst a tenth of the bound is told too late.
            below = sum(number for bucket, number in each.latency.items() if bounds_us(bucket)[1] <= bound_s * 1e6)
            yield f'{name}_bucket{{{labels},le="{bound_s}"}} {below}'
        yield f'{name}_bucket{{{labels},le="+Inf"}} {total}'
        yield f"{name}_sum{{{labels}}} {each.latency_us / 1e6}"
        yield f"{name}_count{{{labels}}} {total}"


def _labels(whose: Whose) -> str:
    return (
        f'endpoint="{_text(whose.endpoint)}",model="{_text(whose.model)}",'
        f'version="{whose.version}",share="{whose.share}"'
    )


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
