from __future__ import annotations

import pytest

from engine.core.errors import FilterSyntaxError
from engine.core.query import (
    AUDIT,
    EXPERIMENTS,
    MODELS,
    RUNS,
    VERSIONS,
    And,
    Comparison,
    Entity,
    Field,
    Filter,
    Not,
    Operator,
    Or,
    OrderBy,
    Schema,
    Value,
    parse_filter,
    parse_order_by,
    unparse,
    unparse_order_by,
)

NOW_MS = 1_793_700_000_000  # 2026-11-03T10:00:00Z


def compare(entity: Entity, key: str, operator: Operator, value: Value) -> Comparison:
    return Comparison(Field(entity, key), operator, value)


def parse(text: str, schema: Schema = RUNS) -> Filter | None:
    return parse_filter(text, schema=schema, now_ms=NOW_MS)


def only(text: str, schema: Schema = RUNS) -> Comparison:
    parsed = parse(text, schema)
    assert isinstance(parsed, Comparison)
    return parsed


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_blank_text_is_no_filter(text: str) -> None:
    assert parse(text) is None
    assert parse_order_by(text) == ()


@pytest.mark.parametrize(
    ("prefix", "entity"),
    [
        ("metrics", Entity.METRIC),
        ("metric", Entity.METRIC),
        ("params", Entity.PARAM),
        ("param", Entity.PARAM),
        ("parameter", Entity.PARAM),
        ("parameters", Entity.PARAM),
        ("tags", Entity.TAG),
        ("tag", Entity.TAG),
        ("Metrics", Entity.METRIC),
    ],
)
def test_every_spelling_of_a_prefix_names_its_entity(prefix: str, entity: Entity) -> None:
    assert only(f"{prefix}.x = 1").field == Field(entity, "x")


@pytest.mark.parametrize("prefix", ["attributes.", "attribute.", "attr.", "run.", ""])
def test_attributes_are_written_with_any_prefix_or_bare(prefix: str) -> None:
    assert only(f"{prefix}user_id = 'ann'").field == Field(Entity.ATTRIBUTE, "user_id")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("created", "start_time"),
        ("Created", "start_time"),
        ("attributes.created", "start_time"),
        ("end_time", "end_time"),
        ("duration", "duration"),
    ],
)
def test_an_alias_becomes_the_canonical_attribute(written: str, name: str) -> None:
    assert only(f"{written} > 5").field == Field(Entity.ATTRIBUTE, name)


@pytest.mark.parametrize("written", ["name", "run_name", "`Run name`", '"run name"', "attributes.`Run Name`"])
def test_the_run_name_has_mlflows_aliases(written: str) -> None:
    assert only(f"{written} = 'x'").field == Field(Entity.ATTRIBUTE, "run_name")


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("metrics.val-loss", "val-loss"),
        ("metrics.val/loss", "val/loss"),
        ("metrics.val.loss", "val.loss"),
        ("metrics.1", "1"),
        ("metrics.`a b`", "a b"),
        ('metrics."a b"', "a b"),
        ("metrics.`a``b`", "a`b"),
        ('metrics."a""b"', 'a"b'),
        ('metrics."it\'s"', "it's"),
        ("metrics.`AND`", "AND"),
        ("metrics.and", "and"),
        ("metrics.größe", "größe"),
        ("metrics.top@5", "top@5"),
    ],
)
def test_keys_are_bare_or_quoted(written: str, key: str) -> None:
    assert only(f"{written} < 1").field == Field(Entity.METRIC, key)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1.0),
        ("-1", -1.0),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        ("1E+3", 1000.0),
        ("inf", float("inf")),
        ("-INF", float("-inf")),
        ("1e999", float("inf")),
    ],
)
def test_metrics_are_compared_with_numbers(written: str, value: float) -> None:
    parsed = only(f"metrics.loss<{written}")
    assert parsed == compare(Entity.METRIC, "loss", Operator.LESS, value)
    assert isinstance(parsed.value, float)


@pytest.mark.parametrize(
    ("written", "value"),
    [("'x'", "x"), ('"x"', "x"), ("'it''s'", "it's"), ('"say ""hi"""', 'say "hi"'), ("''", ""), ("'a\nb'", "a\nb")],
)
def test_texts_stand_in_either_quote_and_double_it_inside(written: str, value: str) -> None:
    assert only(f"params.x = {written}") == compare(Entity.PARAM, "x", Operator.EQUAL, value)


@pytest.mark.parametrize(
    ("written", "operator"),
    [
        ("=", Operator.EQUAL),
        ("!=", Operator.NOT_EQUAL),
        ("<", Operator.LESS),
        ("<=", Operator.AT_MOST),
        (">", Operator.GREATER),
        (">=", Operator.AT_LEAST),
    ],
)
@pytest.mark.parametrize("space", ["", " ", "\n"])
def test_symbols_need_no_spaces(written: str, operator: Operator, space: str) -> None:
    assert only(f"metrics.x{space}{written}{space}-1") == compare(Entity.METRIC, "x", operator, -1.0)


@pytest.mark.parametrize(
    ("written", "operator", "value"),
    [
        ("LIKE 'a%'", Operator.LIKE, "a%"),
        ("like 'a%'", Operator.LIKE, "a%"),
        ("ILike 'a%'", Operator.ILIKE, "a%"),
        ("IN ('a', 'b')", Operator.IN, ("a", "b")),
        ("in('a')", Operator.IN, ("a",)),
        ("IN ('a',)", Operator.IN, ("a",)),
        ("NOT IN ('a')", Operator.NOT_IN, ("a",)),
        ("not in (1, 2e0)", Operator.NOT_IN, (1.0, 2.0)),
        ("IS NULL", Operator.IS_NULL, None),
        ("is not null", Operator.IS_NOT_NULL, None),
    ],
)
def test_word_operators_mind_no_case(written: str, operator: Operator, value: Value) -> None:
    assert only(f"tags.x {written}") == compare(Entity.TAG, "x", operator, value)


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [
        ("params.lr < 0.01", Operator.LESS, 0.01),
        ("params.lr = 0.01", Operator.EQUAL, 0.01),
        ("params.lr = '0.01'", Operator.EQUAL, "0.01"),
    ],
)
def test_a_parameter_is_compared_as_what_the_literal_is(text: str, operator: Operator, value: Value) -> None:
    parsed = only(text)
    assert parsed == compare(Entity.PARAM, "lr", operator, value)
    assert type(parsed.value) is type(value)


@pytest.mark.parametrize("status", ["'FAILED'", "'failed'", '"Failed"'])
def test_a_status_is_written_in_any_case(status: str) -> None:
    assert only(f"status = {status}").value == "failed"
    assert only(f"status IN ({status})").value == ("failed",)
    assert only(f"status LIKE {status}").value == "failed"


@pytest.mark.parametrize(
    ("written", "value_ms"),
    [
        ("1793664000000", 1_793_664_000_000),
        ("1.7e12", 1_700_000_000_000),
        ("'2026-11-03'", 1_793_664_000_000),
        ("'2026-11-03T09:00'", 1_793_696_400_000),
        ("'2026-11-03T09:00Z'", 1_793_696_400_000),
        ("'2026-11-03T11:00+02:00'", 1_793_696_400_000),
        ("'2h'", NOW_MS - 7_200_000),
        ("'3d'", NOW_MS - 3 * 86_400_000),
    ],
)
def test_times_are_epoch_milliseconds_iso_text_or_ages(written: str, value_ms: int) -> None:
    parsed = only(f"start_time >= {written}")
    assert parsed.value == value_ms
    assert isinstance(parsed.value, int)


def test_an_age_needs_to_know_the_present() -> None:
    with pytest.raises(FilterSyntaxError, match="depends on the present"):
        parse_filter("start_time > '2h'", schema=RUNS)


@pytest.mark.parametrize(("written", "value_ms"), [("'10m'", 600_000), ("1500", 1_500), ("'1h30m'", 5_400_000)])
def test_durations_are_milliseconds_or_written_with_units(written: str, value_ms: int) -> None:
    assert only(f"duration < {written}").value == value_ms


@pytest.mark.parametrize("key", ["name", "digest", "context"])
@pytest.mark.parametrize("prefix", ["dataset", "datasets"])
def test_datasets_are_found_by_three_keys(prefix: str, key: str) -> None:
    assert only(f"{prefix}.{key} IN ('a')") == compare(Entity.DATASET, key, Operator.IN, ("a",))


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (compare(Entity.METRIC, key, Operator.LESS, 1.0) for key in "abc")
    assert parse("metrics.a<1 OR metrics.b<1 AND metrics.c<1") == Or((a, And((b, c))))
    assert parse("(metrics.a<1 OR metrics.b<1) and metrics.c<1") == And((Or((a, b)), c))
    assert parse("NOT metrics.a<1 AND metrics.b<1") == And((Not(a), b))
    assert parse("not (metrics.a<1 AND metrics.b<1)") == Not(And((a, b)))
    assert parse("((metrics.a<1))") == a


def test_three_clauses_are_one_level() -> None:
    parsed = parse("metrics.a<1 AND params.b='x' AND tags.c IS NULL")
    assert isinstance(parsed, And)
    assert len(parsed.parts) == 3


def test_mlflows_prompt_filter_parses_and_takes_models_without_the_tag() -> None:
    parsed = only("tag.`mlflow.prompt.is_prompt` != 'true'", MODELS)
    assert parsed == compare(Entity.TAG, "mlflow.prompt.is_prompt", Operator.DIFFERS, "true")
    assert unparse(parsed) == "tags.mlflow.prompt.is_prompt != 'true'"
    assert only("tags.x != 'true'", VERSIONS).operator is Operator.NOT_EQUAL


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("name LIKE 'churn%' AND tags.team = 'risk' AND owner = 'ann'", MODELS),
        ("name = 'churn' AND version_number > 3 AND stage = 'Production' AND run_id IN ('a')", VERSIONS),
        ("version = 7 AND source_path LIKE 'mlflow-artifacts:%' AND created > '2026-01-01'", VERSIONS),
        ("name ILIKE '%risk%' AND creation_time > 0 AND lifecycle_stage = 'active'", EXPERIMENTS),
        ("actor = 'ann' AND verb LIKE 'models.%' AND time > '1d' AND seq <= 10", AUDIT),
    ],
)
def test_every_list_is_asked_in_the_same_language(text: str, schema: Schema) -> None:
    assert isinstance(parse(text, schema), And)


def test_a_whole_number_stays_whole_while_it_fits_64_bits() -> None:
    assert repr(only("version_number = 3", VERSIONS).value) == "3"
    assert repr(only("version_number = 0", VERSIONS).value) == "0"
    assert repr(only("version_number = 3.5", VERSIONS).value) == "3.5"
    assert repr(only(f"version_number = {2**63}", VERSIONS).value) == repr(float(2**63))


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("metrics.auc", 12, "expected an operator, but the text ends"),
        ("metrics.auc >", 14, "expected a number"),
        ("metrics.auc > 0.9 AND", 22, "expected a key such as metrics.auc"),
        ("metrics.auc > 0.9 metrics.b < 1", 19, "expected AND, OR or the end, but found metrics.b"),
        ("metrics.auc > 'x'", 15, "expected a number"),
        ("metrics.auc > nan", 15, "NaN equals nothing"),
        ("metrics.auc > 1_000", 15, "expected a number"),
        ("metrics.auc > ٣", 15, "expected a number"),
        ("metrics.auc LIKE 'x'", 13, "auc cannot be compared with LIKE"),
        ("metrics.auc == 1", 13, "Did you mean =?"),
        ("metrics.auc <> 1", 13, "Did you mean !=?"),
        ("metrics.auc ~ 1", 13, "Did you mean LIKE?"),
        ("metrics. > 1", 9, "expected a key after metrics."),
        ("metrics.`` > 1", 9, "expected a key after metrics."),
        ("metrik.auc > 1", 1, "Did you mean metric?"),
        ("param_s.a = 'x'", 1, "Did you mean params?"),
        ("statsu = 'x'", 1, "Did you mean status?"),
        ("auc > 1", 1, "Did you mean metrics.auc or params.auc?"),
        ("dataset.size = 'x'", 1, "They have name, digest, context."),
        ("status = failed", 10, "Write 'failed'."),
        ("params.family = forest", 17, "expected a quoted text or a number. Texts stand in quotes: write 'forest'."),
        ("status < 'failed'", 8, "Use one of = != LIKE ILIKE IN NOT IN"),
        ("user_id = 7", 11, "Write '7'."),
        ("start_time > 'soon'", 14, "is no time"),
        ("duration > 'long'", 12, "is no length of time"),
        ("start_time LIKE '2026%'", 12, "cannot be compared with LIKE"),
        ("params.a < 'x'", 12, "write them without quotes"),
        ("params.a LIKE 3", 15, "expected a quoted text"),
        ("params.a IN 'x'", 13, "expected ( and a list"),
        ("params.a IN ()", 14, "expected a quoted text"),
        ("params.a IN ('x' 'y')", 18, "expected , or )"),
        ("params.a IN ('x', 1)", 19, "either texts or numbers"),
        ("params.a IS 'x'", 10, "expected an operator"),
        ("params.a NOT LIKE 'x'", 10, "expected an operator"),
        ("(metrics.a < 1", 15, "expected AND, OR or )"),
        ("metrics.a < 1)", 14, "found )"),
        ("params.a = 'x", 12, "never closed"),
        ("params.`a = 'x'", 8, "never closed"),
        ("metrics.a > 1; DROP TABLE run", 14, "';' has no meaning here"),
        ("'metrics.a' > 1", 1, "Keys stand in `backticks`"),
        ("AND metrics.a > 1", 1, "expected a key"),
        ("params.a = 'x\0'", 14, "NUL"),
        ("params.a = '\ud800'", 13, "lone surrogate"),
    ],
)
def test_an_error_points_at_its_column_and_says_what_was_expected(text: str, column: int, words: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse(text)
    assert caught.value.details["column"] == column
    assert f"Column {column}: " in caught.value.message
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("metrics.a > 1", MODELS),
        ("dataset.name = 'x'", VERSIONS),
        ("tags.a = 'x'", AUDIT),
        ("params.a = 1", EXPERIMENTS),
    ],
)
def test_a_list_is_not_asked_for_what_its_things_do_not_have(text: str, schema: Schema) -> None:
    with pytest.raises(FilterSyntaxError, match=f"{schema.name} have no"):
        parse(text, schema)


def test_the_error_carries_the_text_made_harmless() -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse("metrics.a > 1 \x1b]52;c;x\x07")
    assert str(caught.value.details["text"]).isprintable()
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("deep", ["(" * 64 + "metrics.a<1" + ")" * 64, "NOT " * 64 + "metrics.a<1"])
def test_nesting_is_read_to_a_depth_and_no_further(deep: str) -> None:
    with pytest.raises(FilterSyntaxError, match="nested deeper than 64"):
        parse(deep)
    assert parse(deep.replace("(", "", 1).replace(")", "", 1).replace("NOT ", "", 1)) is not None


def test_text_is_read_to_a_length_and_no_further() -> None:
    clause = "metrics.a < 1"
    assert parse(clause + " " * (20_000 - len(clause))) is not None
    with pytest.raises(FilterSyntaxError, match="at most 20000"):
        parse(clause + " " * 20_000)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("metrics.auc", [("metrics", "auc", False)]),
        ("metrics.auc DESC", [("metrics", "auc", True)]),
        ("metrics.`a b` desc, Created asc", [("metrics", "a b", True), ("attributes", "start_time", False)]),
        (["params.x DESC", "", "tags.y ASC"], [("params", "x", True), ("tags", "y", False)]),
        (["metrics.a DESC, run_id"], [("metrics", "a", True), ("attributes", "run_id", False)]),
        ("`Run name` DESC", [("attributes", "run_name", True)]),
    ],
)
def test_orders_name_keys_and_directions(text: str | list[str], keys: list[tuple[str, str, bool]]) -> None:
    expected = tuple(OrderBy(Field(Entity(entity), key), descending) for entity, key, descending in keys)
    assert parse_order_by(text) == expected
    assert parse_order_by(unparse_order_by(expected)) == expected


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("metrics.auc down", 13, "expected ASC, DESC, a comma or the end"),
        ("metrics.auc DESC metrics.b", 18, "expected ASC, DESC, a comma or the end"),
        ("dataset.name", 1, "cannot be sorted by"),
        ("startime", 1, "Did you mean start_time?"),
        (", metrics.a", 1, "expected a key"),
        ("metrics.a = 1", 11, "expected ASC"),
    ],
)
def test_a_wrong_order_points_at_its_column(text: str, column: int, words: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse_order_by(text)
    assert caught.value.details["column"] == column
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("metric.auc>0.90", "metrics.auc > 0.9"),
        ('param.a="x" and (tag.b is null or Created>0)', "params.a = 'x' AND (tags.b IS NULL OR start_time > 0)"),
        ("not(status='FAILED')", "NOT status = 'failed'"),
        ("params.`a b` in ('it''s',)", "params.`a b` IN ('it''s')"),
        ("NOT (metrics.a<1 OR metrics.b<1)", "NOT (metrics.a < 1.0 OR metrics.b < 1.0)"),
        ("", ""),
    ],
)
def test_a_filter_is_written_canonically(text: str, canonical: str) -> None:
    assert unparse(parse(text)) == canonical


@pytest.mark.parametrize("schema", [RUNS, EXPERIMENTS, MODELS, VERSIONS, AUDIT], ids=lambda schema: schema.name)
def test_no_name_in_a_schema_means_two_attributes(schema: Schema) -> None:
    names = [word for attribute in schema.attributes for word in (attribute.name, *attribute.aliases)]
    assert len(names) == len(set(names))
    for key in schema.ties:
        assert schema.attribute(key.field.key) is not None
    with pytest.raises(KeyError):
        schema.kind(Field(Entity.ATTRIBUTE, "no such"))
