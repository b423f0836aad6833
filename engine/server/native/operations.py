"""What can be done over our own API: every operation by its name in Python, and the way it takes through the server.

An operation's path is its name: `runs.page` is `GET /api/qd/v1/runs/page`, `models.register` is
`POST /api/qd/v1/models/register`. Arguments, answers and errors are those of the method, read from its signature.
"""

from __future__ import annotations

from enum import Enum


class Way(Enum):
    """How an operation runs."""

    READ = "read"
    """It only reads: `GET`, on a reader's thread."""

    WRITE = "write"
    """It writes shortly: `POST`, in the next group."""

    ACT = "act"
    """It takes long: `POST`, in transactions of its own."""


def _named(way: Way, text: str) -> dict[str, Way]:
    """`service: method method` by line."""
    lines = (line.split(":") for line in text.strip().splitlines())
    return {f"{service.strip()}.{method}": way for service, methods in lines for method in methods.split()}


OPERATIONS: dict[str, Way] = {
    **_named(
        Way.READ,
        """
        alerts: changes counts get page silences
        approvals: get inbox page
        builds: pickle_allowed
        audit: consistency entry head inclusion page
        drift: baselines skew
        endpoints: at deployments get history of_version page plan planes
        experiments: get page
        gates: get latest
        logged_models: artifacts get of_run page
        maintenance: stats
        lineages: fan thing
        models: at files get lineage page resolve version versions
        probing: get health history hours page
        monitors: backtest due get page performance result results
        processes: server up
        promotions: at history plan plan_roll_back
        prompts: diff get page resolve version versions
        rollouts: open_of page verdicts
        scoring: get page
        runs: aggregates artifacts by_status columns compare count curves get groups history metric_points page
        telemetry: counts get labels live predictions rows series stats totals
        tokens: page
        undoing: latest plan redoable
        traces: count get measure page summary
        webhooks: deliveries events get page
        """,
    ),
    **_named(
        Way.WRITE,
        """
        alerts: acknowledge give_back resolve silence unsilence
        builds: allow_pickle forbid_pickle
        endpoints: create delete kill retire revive roll_back set_tag traffic undo update
        experiments: create delete rename restore set_tag
        logged_models: delete delete_tag log_params restore set_status set_tags
        monitors: delete pause resume
        models: ask_retraining
        models: create delete delete_version remove_alias rename set_alias set_tag set_version_tag update update_version
        prompts: create delete delete_version register remove_alias set_alias set_tag
        prompts: set_version_tag update update_version
        rollouts: abort pause resume
        probing: delete register update
        runs: beat create delete finish log_batch log_input rename report restore set_note set_tag
        tokens: create revoke
        traces: delete delete_one set_tag
        webhooks: create delete update
        """,
    ),
    **_named(
        Way.ACT,
        """
        approvals: approve reject request revoke withdraw
        audit: verify
        drift: baseline_from_production baseline_from_training
        endpoints: deploy shadow
        gates: check
        maintenance: check
        models: check_files register
        monitors: run
        probing: probe_now
        promotions: promote roll_back
        rollouts: start
        runs: reap
        telemetry: label
        traces: prune
        undoing: undo
        webhooks: test
        """,
    ),
}
"""Every operation that the API has."""
