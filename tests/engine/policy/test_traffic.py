from __future__ import annotations

import pytest

from engine.core.errors import PolicyInvalid
from engine.policy.file import parse_policy

DEMANDS = "[models.churn.production]\napprovals = 1\n"


@pytest.mark.parametrize(
    ("text", "churn", "other"),
    [
        ("", "registered", "registered"),
        (DEMANDS, "staging", "registered"),
        (DEMANDS.replace("churn", '"*"'), "staging", "staging"),
        ('[deployment]\ntraffic_from = "registered"\n' + DEMANDS, "registered", "registered"),
        ('[deployment]\ntraffic_from = "production"\n', "production", "production"),
    ],
)
def test_where_versions_must_stand_to_answer_callers(text: str, churn: str, other: str) -> None:
    policy = parse_policy(text)
    assert (policy.traffic_stage("churn"), policy.traffic_stage("other")) == (churn, other)


@pytest.mark.parametrize("value", ['"archived"', '"Staging"', '""', "1", "true", '["staging"]'])
def test_what_is_no_such_stage_is_refused_by_its_line(value: str) -> None:
    with pytest.raises(PolicyInvalid, match=r"line 2, deployment\.traffic_from"):
        parse_policy(f"[deployment]\ntraffic_from = {value}\n")


def test_other_words_of_the_table_are_refused() -> None:
    with pytest.raises(PolicyInvalid, match="deployment"):
        parse_policy('[deployment]\ntraffic = "staging"\n')
