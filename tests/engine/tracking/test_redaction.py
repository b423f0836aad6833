"""Secrets are not stored: by the names of keys, by the looks of values, and nothing else is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.api import Engine
from engine.core.errors import PolicyInvalid
from engine.tracking.redaction import REDACTED, Redaction, names_secret, redacted
from tests.builders import empty_workspace

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnop_-x"
KEY_BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\nabc/+=\n-----END RSA PRIVATE KEY-----"


NAMING = """password db.password DB_PASSWORD dbPassword passwd redis_pwd passphrase secret client-secret credentials
    aws_secret_access_key api_key apikey apiKey OPENAI_API_KEY x-api-key access_key private_key env/WANDB_API_KEY
    storage_account_key token TOKEN auth_token accessToken hf_token HF_TOKEN hub_token oauth_token github_token
    refresh_token MLFLOW_TRACKING_TOKEN"""
ORDINARY = """max_tokens num_tokens pad_token eos_token mask_token tokenizer token_dim tokens_per_second
    unk_token_id key keys primary_key sort_key keyword monkey passes n_passes bypass compass random pwdx lr
    auth model.name api_key_name"""


@pytest.mark.parametrize("key", NAMING.split())
def test_keys_that_name_secrets(key: str) -> None:
    assert names_secret(key)
    assert redacted(key, "hunter2") == REDACTED


@pytest.mark.parametrize("key", [*ORDINARY.split(), "", " ", "日本"])
def test_keys_that_name_something_else(key: str) -> None:
    assert not names_secret(key)
    assert redacted(key, "value") == "value"


@pytest.mark.parametrize("value", ["", "None", "null", "True", "false", "0", " 1 "])
def test_a_secrets_name_without_a_secret_is_kept(value: str) -> None:
    assert redacted("use_password", value) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("AKIAIOSFODNN7EXAMPLE", REDACTED),
        ("key AKIAIOSFODNN7EXAMPLE!", f"key {REDACTED}!"),
        ("ghp_" + "a1" * 18, REDACTED),
        ("github_pat_" + "a1_" * 10, REDACTED),
        ("glpat-" + "a1-" * 8, REDACTED),
        ("sk-" + "aB3" * 10, REDACTED),
        ("sk-ant-api03-" + "aB3_" * 10, REDACTED),
        ("hf_" + "aB3" * 12, REDACTED),
        ("xoxb-1234567890-abcdef", REDACTED),
        ("qd_" + "A" * 43, REDACTED),
        ("AIza" + "b" * 35, REDACTED),
        (JWT, REDACTED),
        (f"a {KEY_BLOCK} b", f"a {REDACTED} b"),
        (KEY_BLOCK[:60], REDACTED),
        ("postgresql://ada:hunter2@db/x", f"postgresql://ada:{REDACTED}@db/x"),
        ("https://:hunter2@host/simple/", f"https://:{REDACTED}@host/simple/"),
        ("a=1 https://u:p@h https://u:q@h", f"a=1 https://u:{REDACTED}@h https://u:{REDACTED}@h"),
        ("Authorization: Bearer abcdefgh12345678", f"Authorization: Bearer {REDACTED}"),
        ("train.py --password hunter2 --lr 0.1", f"train.py --password {REDACTED} --lr 0.1"),
        ("train.py --api-key=hunter2", f"train.py --api-key={REDACTED}"),
        ("train.py --token 'two words' x", f"train.py --token {REDACTED} x"),
        ("helm --set db.password=hunter2 up", f"helm --set db.password={REDACTED} up"),
        ("X=token=hunter2", f"X=token={REDACTED}"),
        ("--token=a --secret=b", f"--token={REDACTED} --secret={REDACTED}"),
        ("HF_TOKEN=hunter2 python train.py", f"HF_TOKEN={REDACTED} python train.py"),
    ],
)
def test_values_that_look_like_secrets(value: str, kept: str) -> None:
    assert redacted("note", value) == kept
    assert redacted("note", kept) == kept


@pytest.mark.parametrize(
    "value",
    [
        "AKIA", "task-management-of-many-things-and-more", "risk-based", "https://host/path@v1", "https://host:8080/a@b",
        "s3://bucket/key", "git@github.com:org/repo.git", "eyJ", "--max-tokens 512 --tokenizer x", "sort_key=name",
        "http://[::1]:5000/@",
        "train.py --password --lr 0.1", "a token of love", "password policy", "hf_hub", "x" * 8_000, "pad_token=[PAD]",
        "0123456789abcdef0123456789abcdef01234567", "{'secret': False, 'key': 'a'}", "Bearer of news",
    ],
)  # fmt: skip
def test_ordinary_values_are_kept_as_they_are(value: str) -> None:
    assert redacted("note", value) == value


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=8))
def test_a_batch_is_redacted_as_each_of_its_pairs(pairs: dict[str, str]) -> None:
    kept = Redaction().pairs(pairs)
    assert kept == {key: redacted(key, value) for key, value in pairs.items()}
    assert Redaction().pairs(kept) == kept


@settings(deadline=None)
@given(st.text(alphabet="abcxyz059.- /", max_size=40))
def test_plain_words_and_numbers_are_never_touched(value: str) -> None:
    assert redacted("learning_rate", value) == value


def test_keys_can_be_allowed_one_by_one_or_all() -> None:
    pairs = {"password": "a", "secret": "b", "lr": "0.1"}
    assert Redaction(lambda: ("password",)).pairs(pairs) == {**pairs, "secret": REDACTED}
    assert Redaction(lambda: ("*",)).pairs(pairs) == pairs


def test_a_wrong_policy_lets_no_secret_through() -> None:
    def broken() -> tuple[str, ...]:
        raise PolicyInvalid("The file is wrong.")

    assert Redaction(broken).pairs({"password": "a"}) == {"password": REDACTED}


def test_nothing_is_copied_or_asked_for_when_there_is_no_secret() -> None:
    def never() -> tuple[str, ...]:
        raise AssertionError

    pairs = {f"param_{number}": str(number) for number in range(100)} | {"max_tokens": "512"}
    assert Redaction(never).pairs(pairs) is pairs


@pytest.mark.parametrize(
    "value",
    [
        "://" * 2_600, "://a:" * 1_600, "-----BEGIN PRIVATE KEY-----" * 300, "eyJ" * 2_600, "eyJ" + "a" * 7_900 + ".",
        "--a=" * 2_000, "--token " * 1_000, "token=" * 1_300, "Bearer " * 1_100, "sk-" * 2_600, "A" * 7_000 + "=token",
    ],
)  # fmt: skip
def test_no_value_makes_it_slow(value: str) -> None:
    began = time.process_time()
    redacted("note", value)
    assert time.process_time() - began < 0.1


def test_a_hundred_parameters_cost_less_than_a_tenth_of_a_millisecond() -> None:
    redaction, pairs = Redaction(), {f"param_{number}": str(number * 0.1) for number in range(100)}

    def cost_s() -> float:
        began = time.process_time()
        for _ in range(20):
            redaction.pairs(pairs)
        return (time.process_time() - began) / 20

    assert min(cost_s() for _ in range(20)) < 100e-6


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Engine]:
    with engine.open(empty_workspace(tmp_path / "workspace").path) as found:
        yield found


def _holds(opened: Engine, secret: str) -> list[str]:
    return [
        each.name for each in opened.workspace.path.iterdir() if each.is_file() and secret.encode() in each.read_bytes()
    ]


def test_no_way_of_logging_stores_a_secret(opened: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter2-never-stored"  # noqa: S105 it is what must not be found
    monkeypatch.setattr("sys.argv", ["train.py", "--password", secret])
    run = opened.runs.start("nightly", params={"db.password": secret}, tags={"api_key": secret}, capture=False)
    run.log_params({"token": secret, "lr": "0.1"})
    opened.runs.log_batch(run.id, params={"client_secret": secret}, tags={"note": f"postgres://ada:{secret}@db"})
    opened.runs.set_tag(run.id, "HF_TOKEN", secret)
    opened.experiments.create("tagged", {"secret": secret})
    opened.experiments.set_tag("nightly", "password", secret)
    found = opened.runs.get(run.id)
    assert found.params["db.password"] == found.params["token"] == found.tags["HF_TOKEN"] == REDACTED
    assert (found.params["lr"], found.tags["note"]) == ("0.1", f"postgres://ada:{REDACTED}@db")
    assert found.environment is not None
    assert found.environment.command_line == f"train.py --password {REDACTED}"
    assert _holds(opened, secret) == []


def test_the_same_secret_parameter_may_be_logged_again(opened: Engine) -> None:
    run = opened.runs.start("nightly", params={"password": "a"}, capture=False)
    opened.runs.log_batch(run.id, params={"password": "a"})
    assert opened.runs.get(run.id).params["password"] == REDACTED


def test_the_policy_allows_keys(opened: Engine) -> None:
    opened.workspace.policy_file.write_text('[redaction]\nallow = ["secret_sauce"]\n')
    run = opened.runs.start("nightly", params={"secret_sauce": "garlic", "password": "a"}, capture=False)
    assert opened.runs.get(run.id).params == {"secret_sauce": "garlic", "password": REDACTED}
