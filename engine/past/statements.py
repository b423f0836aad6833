"""What a statement reads, found in its text: the tables that must be turned back before it runs. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

GROUPS: dict[str, tuple[str, ...]] = {
    "registry": ("model", "model_tag", "model_version", "version_tag", "model_alias"),
    "judged": ("promotion", "gate_report", "approval_request", "approval_decision", "baseline", "scoring"),
    "prompts": ("prompt", "prompt_tag", "prompt_version", "prompt_version_tag", "prompt_alias"),
    "endpoints": (
        "endpoint",
        "endpoint_tag",
        "deployment",
        "generation",
        "acknowledgement",
        "allowance",
        "rollout",
        "rollout_verdict",
    ),
    "external": ("external_endpoint",),
    "alerts": ("alert", "alert_change", "silence"),
    "monitors": ("monitor", "monitor_result"),
    "access": ("token", "webhook", "webhook_delivery"),
    "tracking": (
        "experiment",
        "experiment_tag",
        "run",
        "metric",
        "latest_metric",
        "tag",
        "artifact",
        "logged_model",
    ),
    "traces": ("trace", "assessment"),
    "audit": ("audit",),
}
"""The tables that are turned back, by the group that is turned back together."""

_GROUP_OF = {table: group for group, tables in GROUPS.items() for table in tables}
_WORD = re.compile(r"\b(?:" + "|".join(_GROUP_OF) + r")\b")
_INDEXED = re.compile(r"\bINDEXED BY \w+")


@lru_cache(maxsize=1_024)
def prepared(sql: str) -> tuple[str, frozenset[str]]:
    """Find out what a statement needs.

    Args:
        sql: A statement that reads.

    Returns:
        The statement without `INDEXED BY`, which no view has, and the groups of the tables it may read.
    """
    return _INDEXED.sub("", sql), frozenset(_GROUP_OF[word] for word in _WORD.findall(sql))
