from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.core.access import Role
from engine.core.errors import PolicyInvalid
from engine.policy.file import load_policy, parse_policy
from engine.policy.model import (
    GATES,
    HOUR_MS,
    NO_FILE_DIGEST,
    DateFreeze,
    EvidenceAgeGate,
    FieldsGate,
    IntegrityGate,
    MetricGate,
    NotWorseGate,
    Policy,
    SignatureGate,
    SizeGate,
    WeeklyFreeze,
)

WHOLE = """\
# who may do what
[roles]
admin = ["ops"]
approver = ["alice", "bob"]
operator = ["*"]
writer = ["trainer"]

[access]
allow_as = ["ci"]

[redaction]
allow = ["pad_token", "note"]

[webhooks]
allow_private = ["hooks.internal"]

[retention]
traces = "30d"

[defaults]
approval_expiry = "36h"
evidence_max_age = "1h30m"
single_production = false
protected_aliases = ["champion"]

[models.churn.production]
gates = [
  {gate = "metric", metric = "auc", min = 0.8, max = 1},
  {gate = "not-worse", metric = "auc", margin = 0.01},
  {gate = "not-worse", metric = "loss", better = "lower"},
  {gate = "integrity"},
  {gate = "size", max = "50MB"},
  {gate = "signature"},
  {gate = "fields", required = ["owner", "data_digest"]},
  {gate = "evidence-age", max = "24h"},
]
approvals = 1
approvers = ["alice", "bob"]
freeze = [
  {from = "2026-12-20", to = "2027-01-03", reason = "year end"},
  {weekly = "fri 16:00-mon 08:00"},
]

[models."*".staging]
gates = [{gate = "integrity"}]
"""


def problems_of(text: str) -> list[tuple[object, object, str]]:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text)
    listed = caught.value.details["problems"]
    assert isinstance(listed, list)
    assert caught.value.details["line"] == listed[0]["line"]
    assert caught.value.details["key"] == listed[0]["key"]
    return [(each["line"], each["key"], f"{each['message']} {each['hint']}") for each in listed]


def test_everything_a_policy_can_say_is_read() -> None:
    policy = parse_policy(WHOLE)
    demands = policy.stage("churn", "Production")
    assert policy.roles == {
        Role.ADMIN: ("ops",),
        Role.APPROVER: ("alice", "bob"),
        Role.OPERATOR: ("*",),
        Role.WRITER: ("trainer",),
        Role.VIEWER: (),
    }
    assert policy.allow_as == ("ci",)
    assert policy.redaction_allow == ("pad_token", "note")
    assert policy.webhooks.allow_private == ("hooks.internal",)
    assert policy.traces_max_age_ms == 30 * 24 * HOUR_MS
    assert (policy.approval_expiry_ms, policy.evidence_max_age_ms) == (36 * HOUR_MS, 3 * HOUR_MS // 2)
    assert not policy.single_production
    assert policy.protected_aliases == ("champion",)
    assert demands.gates == (
        MetricGate("auc", 0.8, 1.0),
        NotWorseGate("auc", 0.01),
        NotWorseGate("loss", better="lower"),
        IntegrityGate(),
        SizeGate(50_000_000),
        SignatureGate(),
        FieldsGate(("owner", "data_digest")),
        EvidenceAgeGate(24 * HOUR_MS),
    )
    assert (demands.approvals, demands.approvers) == (1, ("alice", "bob"))
    assert demands.freeze == (
        DateFreeze(1_797_724_800_000, 1_799_020_800_000, "year end"),
        WeeklyFreeze(4 * 1440 + 16 * 60, 8 * 60),
    )
    assert policy.stage("other", "STAGING").gates == (IntegrityGate(),)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    without = load_policy(tmp_path / "quarterdeck.toml")
    assert without == Policy(protected_aliases=("production",))
    assert without.missing
    assert parse_policy("") == parse_policy("# nothing\n") == Policy()
    assert Policy().digest == NO_FILE_DIGEST


@pytest.mark.parametrize("text", ["", "[retention]\n"])
def test_traces_are_kept_for_ever_unless_the_policy_says_how_long(text: str) -> None:
    assert parse_policy(text).traces_max_age_ms is None


def test_an_hour_is_the_shortest_time_that_traces_are_kept() -> None:
    assert parse_policy('[retention]\ntraces = "1h"\n').traces_max_age_ms == HOUR_MS


def test_telemetry_is_kept_as_long_and_as_large_as_the_policy_says() -> None:
    assert (Policy().telemetry_keep_ms, Policy().telemetry_max_bytes) == (7 * 24 * HOUR_MS, 2 << 30)
    policy = parse_policy('[telemetry]\nkeep = "30d"\nmax_bytes = "500MB"\n')
    assert (policy.telemetry_keep_ms, policy.telemetry_max_bytes) == (30 * 24 * HOUR_MS, 500_000_000)


def test_a_models_own_table_replaces_the_one_for_all_models() -> None:
    policy = parse_policy(
        '[models."*".production]\napprovals = 2\n[models.churn.production]\nsilent = []\n'.replace(
            "silent = []", "approvals = 0"
        )
    )
    assert policy.stage("churn", "production").approvals == 0
    assert policy.stage("other", "production").approvals == 2
    assert policy.stage("churn", "staging") == Policy().stage("churn", "staging")


def test_the_digest_follows_what_is_said_not_how_it_is_laid_out() -> None:
    plain = parse_policy('[roles]\nadmin = ["ops"]\n[access]\nallow_as = []\n')
    laid_out = parse_policy('# by ops\n[access]\nallow_as=[ ]\n\n[roles]\nadmin = [\n "ops",\n]\n')
    assert plain.digest == laid_out.digest
    assert plain.digest != parse_policy('[roles]\nadmin = ["oops"]\n[access]\nallow_as = []\n').digest


def test_dates_may_be_written_as_toml_dates() -> None:
    text = "[models.churn.production]\nfreeze = [{{from = {}, to = {}}}]\n"
    as_text = parse_policy(text.format('"2026-12-20T10:00:00+02:00"', '"2026-12-21"'))
    as_dates = parse_policy(text.format("2026-12-20T10:00:00+02:00", "2026-12-21"))
    assert as_text.stage("churn", "production").freeze == as_dates.stage("churn", "production").freeze


PRODUCTION = "[models.churn.production]\n"


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[role]\nadmin = []\n", 1, "role", "not known here. Did you mean roles?"),
        ('x = 1\n[roles]\nadmin = ["a"]\n', 1, "x", "not known here"),
        ("[roles]\nadmn = []\n", 2, "roles.admn", "Did you mean admin?"),
        ('[roles]\nadmin = "ops"\n', 2, "roles.admin", "must be a list of texts, not a text"),
        ('[roles]\nadmin = [\n  "a",\n  7,\n]\n', 4, "roles.admin[1]", "must be a text, not a number"),
        ('[roles]\nadmin = ["a", " "]\n', 2, "roles.admin[1]", "must be a text"),
        ("roles = 3\n", 1, "roles", "must be a table, not a number"),
        ("\n\n[access]\nallow = []\n", 4, "access.allow", "Did you mean allow_as?"),
        ('[redaction]\nalow = ["x"]\n', 2, "redaction.alow", "Did you mean allow?"),
        ('[redaction]\nallow = "x"\n', 2, "redaction.allow", "must be a list of texts, not a text"),
        ("[webhooks]\nallow_private = [\n 1]\n", 3, "webhooks.allow_private[0]", "must be a text, not a number"),
        ('[retention]\ntrace = "30d"\n', 2, "retention.trace", "Did you mean traces?"),
        ('[retention]\ntraces = "59m"\n', 2, "retention.traces", "at least 1h"),
        ("[retention]\ntraces = 30\n", 2, "retention.traces", "must be a text with a unit"),
        ('[telemetry]\nkeep = "59m"\n', 2, "telemetry.keep", "at least 1h"),
        ("[telemetry]\nmax_bytes = true\n", 2, "telemetry.max_bytes", "must be"),
        ("[telemetry]\nkeeps = 1\n", 2, "telemetry.keeps", "Did you mean keep?"),
        ("retention = 30\n", 1, "retention", "must be a table"),
        ("[defaults]\napproval_expiry = 24\n", 2, "defaults.approval_expiry", "must be a text with a unit"),
        ('[defaults]\napproval_expiry = "24 parsecs"\n', 2, "defaults.approval_expiry", "no length of time"),
        ('[defaults]\nevidence_max_age = "0s"\n', 2, "defaults.evidence_max_age", "longer than nothing"),
        ('[defaults]\nsingle_production = "yes"\n', 2, "defaults.single_production", "true or false, not a text"),
        ("[models.churn.Production]\n", 1, "models.churn.Production", "Did you mean production?"),
        ("[models]\nchurn = 1\n", 2, "models.churn", "must be a table"),
        ('[models."a/b".production]\n', 1, 'models."a/b"', "holds for no model"),
        ('[models."churn ".production]\n', 1, 'models."churn "', "ends with a space"),
        ('[models."cafe\u0301".production]\n', 1, 'models."cafe\u0301"', "another name looks the same"),
        (PRODUCTION + "approvals = -1\n", 2, "models.churn.production.approvals", "whole number from 0 to 20"),
        (PRODUCTION + "approvals = true\n", 2, "models.churn.production.approvals", "whole number"),
        (PRODUCTION + "approvals = 1.0\n", 2, "models.churn.production.approvals", "whole number"),
        (PRODUCTION + 'approvals = 2\napprovers = ["a"]\n', 2, "models.churn.production.approvals", "only 1 may"),
        (PRODUCTION + "gates = {}\n", 2, "models.churn.production.gates", "list of tables, not a table"),
        (PRODUCTION + 'gates = [\n "integrity"]\n', 3, "models.churn.production.gates[0]", "must be a table"),
        (PRODUCTION + "gates = [{}]\n", 2, "models.churn.production.gates[0]", "needs a gate"),
        (PRODUCTION + 'gates = [{gate="integrty"}]\n', 2, "models.churn.production.gates[0].gate", "mean integrity?"),
        (PRODUCTION + 'gates = [{gate="metric",metric="a"}]\n', 2, "models.churn.production.gates[0]", "min, max or"),
        (PRODUCTION + 'gates = [{gate="metric",min=1}]\n', 2, "models.churn.production.gates[0]", "needs metric"),
        (
            PRODUCTION + 'gates = [{gate="metric",metric="a",min=1,max=0}]\n',
            2,
            "models.churn.production.gates[0].min",
            "above max",
        ),
        (
            PRODUCTION + 'gates = [{gate="metric",metric="a",min=nan}]\n',
            2,
            "models.churn.production.gates[0].min",
            "must be a finite number",
        ),
        (
            PRODUCTION + 'gates = [{gate="metric",metric="a",min=true}]\n',
            2,
            "models.churn.production.gates[0].min",
            "not true or false",
        ),
        (
            PRODUCTION + 'gates = [{gate="not-worse",metric="a",margin=-1}]\n',
            2,
            "models.churn.production.gates[0].margin",
            "at least 0",
        ),
        (
            PRODUCTION + 'gates = [{gate="not-worse",metric="a",better="more"}]\n',
            2,
            "models.churn.production.gates[0].better",
            "higher or lower",
        ),
        (PRODUCTION + 'gates = [{gate="size"}]\n', 2, "models.churn.production.gates[0]", "needs max"),
        (PRODUCTION + 'gates = [{gate="size",max="5 elephants"}]\n', 2, "models.churn.production.gates[0].max", "size"),
        (PRODUCTION + 'gates = [{gate="size",max=0}]\n', 2, "models.churn.production.gates[0].max", "above zero"),
        (PRODUCTION + 'gates = [{gate="integrity",max=1}]\n', 2, "models.churn.production.gates[0].max", "not known"),
        (PRODUCTION + 'gates = [{gate="fields"}]\n', 2, "models.churn.production.gates[0]", "needs required"),
        (
            PRODUCTION + 'gates = [{gate="fields",required=["owners"]}]\n',
            2,
            "models.churn.production.gates[0].required[0]",
            "Did you mean owner?",
        ),
        (PRODUCTION + 'gates = [{gate="evidence-age"}]\n', 2, "models.churn.production.gates[0]", "needs max"),
        (
            "[[models.churn.production.gates]]\ngate='integrity'\n[[models.churn.production.gates]]\ngate='size'\nmaks=1\n",
            3,
            "models.churn.production.gates[1]",
            "needs max",
        ),
        (PRODUCTION + 'freeze = [{from="2026-01-01"}]\n', 2, "models.churn.production.freeze[0]", "needs to"),
        (
            PRODUCTION + 'freeze = [{from="2026-01-02", to="2026-01-01"}]\n',
            2,
            "models.churn.production.freeze[0].to",
            "must be after from",
        ),
        (
            PRODUCTION + 'freeze = [{from="2026-13-02", to="2026-01-01"}]\n',
            2,
            "models.churn.production.freeze[0].from",
            "is no time",
        ),
        (
            PRODUCTION + 'freeze = [{from="now", to="2026-01-01"}]\n',
            2,
            "models.churn.production.freeze[0].from",
            "present",
        ),
        (PRODUCTION + "freeze = [{from=3, to=4}]\n", 2, "models.churn.production.freeze[0].from", "a date or a time"),
        (PRODUCTION + 'freeze = [{weekly="friday"}]\n', 2, "models.churn.production.freeze[0].weekly", "two moments"),
        (
            PRODUCTION + 'freeze = [{weekly="fri 25:00-sat 01:00"}]\n',
            2,
            "models.churn.production.freeze[0].weekly",
            "no time of day",
        ),
        (
            PRODUCTION + 'freeze = [{weekly="sun 24:00-mon 00:00"}]\n',
            2,
            "models.churn.production.freeze[0].weekly",
            "begins when it ends",
        ),
        (
            PRODUCTION + 'freeze = [{weekly="fri 16:00-mon 08:00", from="2026-01-01"}]\n',
            2,
            "models.churn.production.freeze[0].from",
            "not known",
        ),
        ('[models."a.b".production]\nx = 1\n', 2, 'models."a.b".production.x', "not known"),
    ],
)
def test_a_mistake_is_named_by_line_and_key(text: str, line: int, key: str, words: str) -> None:
    first = problems_of(text)[0]
    assert first[:2] == (line, key)
    assert words in first[2]


def test_all_mistakes_are_listed_in_the_order_of_the_file() -> None:
    found = problems_of(WHOLE.replace("min =", "mim =").replace("allow_as", "alow_as").replace("weekly", "wekly"))
    assert [line for line, _, _ in found] == sorted(int(str(line)) for line, _, _ in found)
    assert {"access.alow_as", "models.churn.production.gates[0].mim", "models.churn.production.freeze[1].wekly"} <= {
        key for _, key, _ in found
    }


def test_the_message_says_where_and_how_many() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy("[roles]\nadmn = []\noperatr = []\n")
    assert caught.value.message == "quarterdeck.toml, line 2, roles.admn: is not known here. (and 1 more)"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[roles\n", 1),
        ("[roles]\nadmin = [\n", 3),
        ('[roles]\n\nadmin = ["a"\nx = 1\n', 4),
        ("a = 1\na = 2\n", 2),
        ("x = " + "9" * 5_000, 1),
        ("x = " + "[" * 50_000, 1),
    ],
)
def test_text_that_is_no_toml_is_named_by_line(text: str, line: int) -> None:
    assert problems_of(text)[0][0] == line


def test_hostile_text_in_a_policy_comes_out_clean() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy('"\\u001b[31m\\u202e" = 1\n')
    said = f"{caught.value}{caught.value.details}"
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "quarterdeck.toml"
    path.write_bytes(b"\xef\xbb\xbf[roles]\r\nadmin = ['ops']\r\n")
    assert load_policy(path).role_of("ops") is Role.ADMIN


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "quarterdeck.toml"
    path.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(PolicyInvalid, match="line 2: is not UTF-8"):
        load_policy(path)


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    folder, link, large = tmp_path / "folder", tmp_path / "link", tmp_path / "large"
    folder.mkdir()
    link.symlink_to(tmp_path / "nowhere")
    large.write_bytes(b"#" * 1_000_001)
    for path in (folder, link, large):
        with pytest.raises(PolicyInvalid, match="cannot be used"):
            load_policy(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_not_taken_for_none(tmp_path: Path) -> None:
    path = tmp_path / "quarterdeck.toml"
    path.write_text("")
    path.chmod(0)
    with pytest.raises(PolicyInvalid, match="cannot be used"):
        load_policy(path)


def test_every_gate_has_a_reader_that_can_be_satisfied() -> None:
    options = {
        "metric": ', metric = "a", min = 0',
        "not-worse": ', metric = "a"',
        "size": ", max = 1",
        "fields": ', required = ["owner"]',
        "evidence-age": ', max = "1d"',
        "latency": ', p95 = "5ms"',
        "resources": ', memory = "200MB"',
    }
    for name, spec in GATES.items():
        text = f'{PRODUCTION}gates = [{{gate = "{name}"{options.get(name, "")}}}]\n'
        (gate,) = parse_policy(text).stage("churn", "production").gates
        assert isinstance(gate, spec)
