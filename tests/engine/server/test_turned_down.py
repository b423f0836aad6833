"""What a server keeps of the requests that it refused."""

from __future__ import annotations

from engine.core.text import clean
from engine.processes.model import ServerStatus
from engine.server.call import Call
from engine.server.measures import Measures
from engine.server.routes import Route
from engine.server.turned_down import MOST_REFUSALS, TurnedDown

NOW_MS = 1_000_000


async def _never(_call: Call) -> None:
    raise AssertionError("no request comes here")


def _route(path: str) -> Route:
    return Route("GET", path, _never)  # type: ignore[arg-type]  # it answers nothing


def test_refusals_of_a_kind_are_one_and_the_latest_is_first() -> None:
    times = iter([10.0, 11.0, 12.0, 15.0])
    refusals = TurnedDown(lambda: next(times))
    runs, models = _route("/runs/{run_id}"), _route("/models")
    refusals.note("GET", "/runs/secret-1", runs, 404, "not_found")
    refusals.note("GET", "/models", models, 403, "permission_denied")
    refusals.note("GET", "/runs/secret-2", runs, 404, "not_found")
    first, second = refusals.told(NOW_MS)
    assert (first.path, first.count, first.last_ms) == ("/runs/{run_id}", 2, NOW_MS - 3_000)
    assert (second.path, second.code, second.last_ms) == ("/models", "permission_denied", NOW_MS - 4_000)


def test_guesses_at_paths_and_methods_push_nothing_out() -> None:
    refusals = TurnedDown()
    refusals.note("GET", "/runs/1", _route("/runs/{run_id}"), 404, "not_found")
    for number in range(1_000):
        refusals.note(f"METHOD{number}", f"/guess/{number}", None, 404, "not_found")
    told = refusals.told(NOW_MS)
    assert [(each.method, each.path, each.count, each.known) for each in told] == [
        ("?", "/guess/999", 1_000, False),
        ("GET", "/runs/{run_id}", 1, True),
    ]


def test_only_the_last_kinds_are_kept() -> None:
    refusals = TurnedDown()
    for number in range(MOST_REFUSALS + 5):
        refusals.note("GET", "", _route(f"/{number}"), 400, "invalid_input")
    told = refusals.told(NOW_MS)
    assert [each.path for each in told] == [f"/{number}" for number in range(MOST_REFUSALS + 4, 4, -1)]


def test_a_path_of_a_client_is_cleaned_and_cut() -> None:
    refusals = TurnedDown()
    refusals.note("GET", "/\x1b[31m" + "x" * 500, None, 404, "not_found")
    (told,) = refusals.told(NOW_MS)
    assert told.path == clean("/\x1b[31m" + "x" * 500, limit=60)
    assert "\x1b" not in told.path


def test_the_status_file_keeps_them_and_an_older_one_is_read_too() -> None:
    measures = Measures(clients=int, queue=int)
    measures.refusals.note("POST", "/runs", _route("/runs"), 429, "overloaded")
    status = measures.status(NOW_MS)
    assert ServerStatus.from_json(status.to_json()).refusals == status.refusals
    older = status.to_json().replace('"refusals"', '"of another version"')
    assert ServerStatus.from_json(older).refusals == ()
