"""What requests say: names, numbers, filters, orders, paths, right ones and wrong ones, drawn from a seeded source."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping

from tests.bench.fuzz.known import Known
from tests.hostile.texts import HOSTILE, REFUSED

MODELS = ("churn", "fraud", "漢字-model", "m.1_2-3")
PROMPTS = ("greeting", "summary")
EXPERIMENTS = ("Default", "first", "second/with slash")
KEYS = ("loss", "auc", "lr", "mlflow.user", "mlflow.runName", "mlflow.prompt.is_prompt", "a/b", "ключ", "k" * 250)
STAGES = ("None", "Staging", "Production", "Archived", "staging", "registered", "production")
TEXTS = (
    *HOSTILE.values(),
    *REFUSED.values(),
    "",
    " ",
    "x",
    "None",
    "null",
    "NaN",
    "Infinity",
    "-Infinity",
    "x" * 20_000,
)
NUMBERS: tuple[object, ...] = (
    0, 1, -1, 5, 1000, 50_000, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400, 0.5, -0.0,
    1e308, 5e-324, float("nan"), float("inf"), float("-inf"), "1", "1.5", "NaN", "Infinity", "-Infinity", "1e999",
    "0x10", "\uff11\uff12", "9" * 5_000, True,
)  # fmt: skip
PATHS = (
    "model", "model/MLmodel", "a/b/c.txt", "MLmodel",
    "", "../x", "..%2fx", "..%252fx", "/etc/passwd", "a//b", "a\\..\\b", "a\0b",
    "a;b", "a#b", "a?b", ".", "..", "file:///etc/passwd", "~/x", "a/" * 300, "x" * 5_000, "\ud800", "\u202e", "C:\\x",
)  # fmt: skip
_NAMES: Mapping[str, tuple[str, ...]] = {"experiments": EXPERIMENTS, "prompts": PROMPTS, "model": (*MODELS, *PROMPTS)}
_ORDERS = {"runs": "attributes.start_time DESC", "traces": "timestamp_ms", "logged": "creation_timestamp DESC"}
_STATES = ("RUNNING", "FINISHED", "FAILED", "KILLED", "LOGGED_MODEL_READY", "OK")
_FIELDS = (
    "metrics.loss", "metrics.`a b`", "params.lr", "param.lr", "tags.mlflow.user", 'tags."x y"', "attributes.status",
    "status", "start_time", "attributes.run_id", "dataset.name", "name", "version_number", "run_id", "trace.status",
    "timestamp_ms", "span.name", "span.attributes.x", "feedback.correct", "metadata.k", "creation_time", "prompt",
    "metrics.", "nope.x", "metrics..x", "", "source_path", "last_updated_timestamp", "trace.text",
)  # fmt: skip
_SIGNS = ("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "NOT LIKE", "RLIKE", "IN", "NOT IN", "IS", "==", "", "~")
_OPERANDS = (
    "1", "0.5", "'x'", '"x"', "'%a_b%'", "('a','b')", "()", "NULL", "NOT NULL", "'2024-01-01'", "'unclosed", "1e999",
    "-1", "now() - 1d", "'RUNNING'", "'FINISHED'", "nan", "''", "'[a-z'", "'(a+)+$'", "'\\'", "((1))", "(1, 'a', NULL)",
    "99999999999999999999999", "'" + "%" * 300 + "'", "'\0'", "'\ud800'",
)  # fmt: skip
_JOINS = (" AND ", " and ", " OR ", " ", ",", " AND NOT ", "\n")

Draw = Callable[["Words"], object]


class Words:
    """Draws words for requests.

    Args:
        rng: The source of chance.
        known: Ids that exist.

    Attributes:
        calm: Whether right words are wanted; set anew for each request.
        path_asked: The path of the route that they are for.
    """

    def __init__(self, rng: random.Random, known: Known) -> None:
        self.rng = rng
        self.known = known
        self.calm = True
        self.path_asked = ""

    def pick(self, choices: tuple[object, ...]) -> object:
        """One of several."""
        return choices[self.rng.randrange(len(choices))]

    def text(self) -> str:
        """A text, mostly harmless."""
        if self.calm or self.rng.random() < 0.7:
            return f"t{self.rng.randrange(50)}"
        return str(self.pick(TEXTS))

    def number(self) -> object:
        """A number, mostly small."""
        return self.rng.randrange(10) if self.calm or self.rng.random() < 0.7 else self.pick(NUMBERS)

    def name(self) -> object:
        """The name of something that may exist, mostly of what the route is about."""
        if self.calm and self.rng.random() < 0.8:
            noun = next((noun for noun in _NAMES if noun in self.path_asked), "model")
            return self.pick(_NAMES[noun])
        return self.pick((*MODELS, *PROMPTS, *EXPERIMENTS, *[self.text()] * 6))

    def path(self) -> str:
        """The path of an artifact within its root, or one that leaves it."""
        if "/mlflow-artifacts/artifacts" in self.path_asked and self.rng.random() < 0.5:
            return f"{self.known.one('experiment_id')}/{self.known.one('run_id')}/artifacts"
        return str(self.pick(PATHS[:4] if self.calm else PATHS))

    def reference(self) -> object:
        """A version as people write it."""
        right = [f"{name}{which}" for name in (*MODELS, *PROMPTS) for which in ("/1", "@champion", "", "/production")]
        return self.rng.choice(right) if self.calm else self.source()

    def state(self) -> object:
        """A status of what the route is about."""
        if "webhooks" in self.path_asked and self.calm:
            return "ACTIVE"
        return self.pick(_STATES if self.calm else (*_STATES, 1, 3, "nope", "running", 99, None))

    def logged(self) -> str:
        """What old clients log of a model."""
        said = {"artifact_path": "model", "flavors": {}, "utc_time_created": "x"}
        return json.dumps({"run_id": self.known.one("run_id"), **said})

    def rooted(self) -> str:
        """An artifact's path on the server."""
        if self.rng.random() < 0.4:
            return self.known.one("file")
        experiment, run = self.known.one("experiment_id"), self.known.one("run_id")
        kind = self.rng.randrange(4)
        root = (
            f"{experiment}/{run}/artifacts",
            f"{experiment}/models/{self.known.one('model_id')}/artifacts",
            f"{experiment}/traces/{self.known.one('trace_id')}/artifacts",
            self.path(),
        )[kind]
        return f"{root}/{self.path()}" if self.rng.random() < 0.8 else root

    def source(self) -> str:
        """Where a model version comes from."""
        right = self.known.one("source"), f"models:/{self.known.one('model_id')}", "models:/churn/1"
        wrong = (
            f"mlflow-artifacts:/{self.rooted()}", "prompt-template", "file:///etc/passwd", "s3://b/k", self.text(),
            "http://127.0.0.1/x", "models:/churn@champion", "models:/churn/Production", "runs:/", "models:/",
        )  # fmt: skip
        return str(self.pick(right if self.calm else (*right, *wrong)))

    def trace(self) -> str:
        """The id of a trace that exists, or that does not exist yet."""
        return f"tr-{self.rng.randrange(99):032x}" if self.rng.random() < 0.2 else self.known.one("trace_id")

    def filter(self) -> str:
        """A filter; about half of them are wrong somewhere."""
        if self.rng.random() < (0.7 if self.calm else 0.1):
            return ""
        terms = [self._term() for _ in range(self.rng.choice((1, 1, 1, 2, 3, 60)))]
        text = "".join(f"{term}{self.pick(_JOINS)}" for term in terms[:-1]) + terms[-1]
        if self.rng.random() < 0.05:
            return "(" * self.rng.choice((1, 50, 3_000)) + text
        return text

    def order(self) -> str:
        """A sort key."""
        if self.calm:
            return next((key for noun, key in _ORDERS.items() if noun in self.path_asked), "name ASC")
        return f"{self.pick(_FIELDS)} {self.pick(('ASC', 'DESC', '', 'desc', 'sideways', 'NULLS LAST'))}"

    def token(self) -> str:
        """A page token: none, a real one, or one that was altered."""
        token = self.known.one("next_page_token")
        if self.calm:
            return token if self.rng.random() < 0.2 else ""
        at = self.rng.randrange(len(token))
        return str(
            self.pick(("", token, token, token[:at], token[:at] + "A" + token[at + 1 :], token * 3, "AAAA", "%"))
        )

    def _term(self) -> str:
        return f"{self.pick(_FIELDS)} {self.pick(_SIGNS)} {self.pick(_OPERANDS)}"


def _of(field: str) -> Draw:
    return lambda words: words.known.one(field)


def _in(*right: object, wrong: tuple[object, ...] = ()) -> Draw:
    return lambda words: words.pick(right if words.calm else (*right, *wrong))


_URLS = ("file:///etc/passwd", "x", "https://u:p@127.0.0.1", "http://10.0.0.1:1/x", "https://[::1]/")
_VIEWS = ("ACTIVE_ONLY", "ALL", "DELETED_ONLY", 1, "TRACES", "SPANS", "ASSESSMENTS")
_MEASURED = ("trace_count", "latency", "total_tokens", "span_count", "assessment_count", "assessment_value")
_TIMES = ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123456789Z")

BY_FIELD: Mapping[str, Draw] = {
    **dict.fromkeys(("run_id", "run_uuid", "run_ids", "source_run_id", "parent_run_id", "baseline"), _of("run_id")),
    **dict.fromkeys(("experiment_id", "experiment_ids"), _of("experiment_id")),
    **dict.fromkeys(("trace_id", "trace_ids"), Words.trace),
    "request_id": lambda words: words.pick((words.known.one("trace_id"), 1, 2)),
    **dict.fromkeys(("model_id", "source_id"), _of("model_id")),
    **dict.fromkeys(("assessment_id", "overrides"), _of("assessment_id")),
    "webhook_id": _of("webhook_id"),
    "upload_id": _of("upload_id"),
    "page_token": Words.token,
    **dict.fromkeys(("name", "experiment_name", "new_name", "new", "experiment"), Words.name),
    "model": _in(*MODELS),
    **dict.fromkeys(
        ("version", "number", "before", "after", "part_number"), _in(1, 2, "1", wrong=(0, "latest", 10**20, "\uff11"))
    ),
    **dict.fromkeys(("filter", "filter_string"), Words.filter),
    "order_by": Words.order,
    **dict.fromkeys(("path", "artifact_path", "artifact_location"), Words.path),
    "source": Words.source,
    "reference": Words.reference,
    **dict.fromkeys(("key", "metric_key", "field_name"), _in(*KEYS[:3], wrong=KEYS)),
    "alias": _in("champion", "challenger", wrong=("latest", "v1", "production", "", "a" * 300)),
    **dict.fromkeys(("stage", "stages", "to", "demote_to"), _in(*STAGES)),
    "status": Words.state,
    "model_json": Words.logged,
    "source_type": _in("HUMAN", "CODE", "LLM_JUDGE", "local", wrong=("nope", 99)),
    "kind": _in("dataset", "run", "version", wrong=("nope",)),
    **dict.fromkeys(("run_view_type", "view_type"), _in(*_VIEWS, wrong=("nope", 9))),
    **dict.fromkeys(("max_results", "limit", "points"), _in(1, 2, 5, 100, wrong=(0, -1, 10**9, "7", "x", 10**30))),
    "metric_name": _in(*_MEASURED, wrong=("nope", "")),
    "aggregation_type": _in("COUNT", "PERCENTILE", "AVG", 1, wrong=("nope", 99)),
    "dimensions": _in("trace_name", "trace_status", "span_type", wrong=("nope",)),
    **dict.fromkeys(("response_format", "model_config"), _in('{"a": 1}', "", wrong=("{", "[" * 5_000, "NaN"))),
    "template": _in("Hello {{name}}", '[{"role": "user", "content": "{{x}}"}]', wrong=TEXTS),
    "num_parts": _in(1, 2, wrong=(0, -1, 10**9)),
    "url": _in("https://127.0.0.1:1/x", wrong=_URLS),
    "entity": _in("REGISTERED_MODEL", "MODEL_VERSION", wrong=("nope",)),
    "action": _in("CREATED", "SET", "DELETED", wrong=("nope",)),
    "lifecycle": _in("active", "deleted", "all", wrong=("nope",)),
    "events": _in("model.registered", "registered_model.created", wrong=("nope",)),
    **dict.fromkeys(
        ("request_time", "create_time", "last_update_time"),
        _in(*_TIMES, wrong=("9999-99-99T00:00:00Z", "", "1e9", "0001-01-01T00:00:00Z")),
    ),
    "execution_duration": _in("1.5s", wrong=("999999999999999999999s", "-1s", "nans", "", "1e400s")),
    "older_than_ms": _in(10**15, 10**12),
}
"""What a field of that name holds when it is right, or nearly so; `older_than_ms` leaves what there is."""
