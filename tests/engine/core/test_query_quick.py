from __future__ import annotations

import warnings

import pytest

from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.core.query import (
    MODELS,
    RUNS,
    And,
    Not,
    Or,
    QuickFilter,
    Schema,
    Word,
    parse_filter,
    parse_order_by,
    parse_quick,
    parse_quick_order,
    unparse,
)
from engine.core.query.quick import as_term, is_expression, is_predicate

METRICS = ("auc", "val.loss", "a b", "run.loss")
PARAMS = ("lr", "model", "optimizer")
NOW_MS = 1_793_700_000_000


def quick(text: str, schema: Schema = RUNS) -> QuickFilter:
    return parse_quick(text, schema, METRICS, PARAMS, NOW_MS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  ", ()),
        ("churn", (Word("churn"),)),
        ("churn v2", (Word("churn"), Word("v2"))),
        ("!test", (Word("test", negated=True),)),
        ("'two words'", (Word("two words"),)),
        ('!"two ""words"""', (Word('two "words"', negated=True),)),
        ("/v[0-9]+/", (Word("v[0-9]+", regex=True),)),
        ("/two words/ !/a\\/b/", (Word("two words", regex=True), Word("a/b", negated=True, regex=True))),
        ("/unfinished", (Word("/unfinished"),)),
        ("/a/b", (Word("/a/b"),)),
        ("!", (Word("!"),)),
        ("a ! b", (Word("a"), Word("!"), Word("b"))),
        ("http://x?a=b", (Word("http://x?a=b"),)),
        ("it's", (Word("it's"),)),
        ("/a=b", (Word("/a=b"),)),
        ("=", (Word("="),)),
        ("-test", (Word("test", negated=True),)),
        ('-"two words"', (Word("two words", negated=True),)),
        ("-/v[0-9]+/", (Word("v[0-9]+", negated=True, regex=True),)),
        ('"-5"', (Word("-5"),)),
        ("--verbose", (Word("--verbose"),)),
        ("-", (Word("-"),)),
        ("a - b", (Word("a"), Word("-"), Word("b"))),
        ("a-b", (Word("a-b"),)),
        ("10:30", (Word("10:30"),)),
        ("http://host:80/x", (Word("http://host:80/x"),)),
        ("zebra:3", (Word("zebra:3"),)),
        ('zebra:"two words"', (Word("zebra:two words"),)),
        ('"note:debug"', (Word("note:debug"),)),
    ],
)
def test_free_words_are_texts_negations_and_expressions(text: str, words: tuple[Word, ...]) -> None:
    assert quick(text) == QuickFilter(words)


@pytest.mark.parametrize(
    ("text", "filter_text"),
    [
        ("auc>0.9", "metrics.auc > 0.9"),
        ("auc > 0.9", "metrics.auc > 0.9"),
        ("lr<=1e-3", "params.lr <= 1e-3"),
        ("lr='1e-3'", "params.lr = '1e-3'"),
        ("model=tree", "params.model = 'tree'"),
        ("model!=tree", "params.model != 'tree'"),
        ("model=it's", "params.model = 'it''s'"),
        ("status=failed", "status = 'failed'"),
        ("status=failed,killed", "status IN ('failed', 'killed')"),
        ("status!=failed,killed", "status NOT IN ('failed', 'killed')"),
        ("model=tree,'a,b'", "params.model IN ('tree', 'a,b')"),
        ("lr=0.1,0.2", "params.lr IN (0.1, 0.2)"),
        ("lr=0.1,auto", "params.lr IN ('0.1', 'auto')"),
        ("lr=1,'2'", "params.lr IN ('1', '2')"),
        ("name~loan", "run_name ILIKE '%loan%'"),
        ("lr~1", "params.lr ILIKE '%1%'"),
        ("created>2h", "start_time > '2h'"),
        ("created>2026-11-03T09:00", "start_time > '2026-11-03T09:00'"),
        ("created>'yesterday 09:00'", "start_time > 'yesterday 09:00'"),
        ("duration>10m", "duration > '10m'"),
        ("duration>1500", "duration > 1500"),
        ("metrics.auc>1", "metrics.auc > 1"),
        ("metrics.`odd key`>1", "metrics.`odd key` > 1"),
        ("tags.team=risk", "tags.team = 'risk'"),
        ("dataset.name=train", "dataset.name = 'train'"),
        ("val.loss<1", "metrics.`val.loss` < 1"),
        ("`a b`<1", "metrics.`a b` < 1"),
        ("run.loss<1", "metrics.`run.loss` < 1"),
        ("tags.url=http://a?b=c", "tags.url = 'http://a?b=c'"),
        ("!model=tree", "NOT params.model = 'tree'"),
        ("-model=tree", "NOT params.model = 'tree'"),
        ("-auc > 0.9", "NOT metrics.auc > 0.9"),
        ("cfg.lr>=1e-3", "params.lr >= 1e-3"),
        ("config.`lr x`>=1e-3", "params.`lr x` >= 1e-3"),
        ("CFG.lr=auto", "params.lr = 'auto'"),
        ("summary.auc>0.9", "metrics.auc > 0.9"),
        ("note:debug", "note ILIKE '%debug%'"),
        ("-note:debug", "NOT note ILIKE '%debug%'"),
        ('note:"two words"', "note ILIKE '%two words%'"),
        ("note:a:b", "note ILIKE '%a:b%'"),
        ("note:a=b", "note ILIKE '%a=b%'"),
        ("note:fast,'a, b'", "note ILIKE '%fast%' OR note ILIKE '%a, b%'"),
        ("lr:1e", "params.lr ILIKE '%1e%'"),
        ("cfg.optimizer:adam", "params.optimizer ILIKE '%adam%'"),
        ("tags.`odd:key`:x", "tags.`odd:key` ILIKE '%x%'"),
        ("tags.odd:key=x", "tags.`odd:key` = 'x'"),
        ("status:fail", "status ILIKE '%fail%'"),
        ("auc:0.9", "metrics.auc = 0.9"),
        ("auc:0.8..0.9", "metrics.auc >= 0.8 AND metrics.auc <= 0.9"),
        ("auc=0.8..", "metrics.auc >= 0.8"),
        ("auc=..0.9", "metrics.auc <= 0.9"),
        ("auc!=0.8..0.9", "metrics.auc < 0.8 OR metrics.auc > 0.9"),
        ("cfg.lr=1e-4..1e-2", "params.lr >= 1e-4 AND params.lr <= 1e-2"),
        ("cfg.lr='1..2'", "params.lr = '1..2'"),
        ("cfg.path=../data", "params.path = '../data'"),
        ("cfg.path:..", "params.path ILIKE '%..%'"),
        ("name=a..b", "run_name = 'a..b'"),
        ("created:2d..1d", "start_time >= '2d' AND start_time <= '1d'"),
        ("duration:10m..1h", "duration >= '10m' AND duration <= '1h'"),
        ("auc>0.9 lr<1 !status=failed", "metrics.auc > 0.9 AND params.lr < 1 AND NOT status = 'failed'"),
    ],
)
def test_a_predicate_means_the_filter(text: str, filter_text: str) -> None:
    assert quick(text) == QuickFilter((), parse_filter(filter_text, schema=RUNS, now_ms=NOW_MS))


def test_a_key_as_it_was_logged_wins_over_a_prefix_and_a_colon() -> None:
    parsed = parse_quick("cfg.lr>1 loss:a>2", RUNS, ["cfg.lr", "loss:a", "loss"])
    assert unparse(parsed.predicate) == "metrics.cfg.lr > 1.0 AND metrics.`loss:a` > 2.0"


def test_words_and_predicates_mix() -> None:
    parsed = quick("loan auc>0.9 !test status=failed")
    assert parsed.words == (Word("loan"), Word("test", negated=True))
    assert unparse(parsed.predicate) == "metrics.auc > 0.9 AND status = 'failed'"


def test_an_attribute_wins_over_a_metric_and_a_metric_over_a_parameter() -> None:
    parsed = parse_quick("status=1 x=1", RUNS, ["status", "x"], ["x"])
    assert unparse(parsed.predicate) == "status = '1' AND metrics.x = 1.0"


def test_a_tag_of_a_model_differs_when_it_is_missing() -> None:
    assert quick("tags.team!=risk", MODELS).predicate == parse_filter("tags.team != 'risk'", schema=MODELS)
    assert isinstance(quick("!tags.team=risk", MODELS).predicate, Not)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("acu>0.9", 1, "Did you mean auc?"),
        ("churn optimzer=adam", 7, "Did you mean optimizer?"),
        ("stauts=failed", 1, "Did you mean status?"),
        ("metrik.auc>1", 1, "Did you mean metric?"),
        ("auc>", 5, "expected a value after >"),
        ("auc>high", 5, "expected a number"),
        ("auc~1", 4, "cannot be compared with ILIKE"),
        ("status>failed", 7, "cannot be compared with >"),
        ("model>tree", 7, "expected a number"),
        ("auc>1,2", 7, "a list stands after = or !="),
        ("name='open", 6, "expected a value"),
        ("created>soon", 9, "is no time"),
        ("/(/", 1, "does not compile"),
        (f"/{'a' * 201}/", 1, "longer than 200"),
        ("a\0", 2, "NUL"),
        ("nte:debug", 1, "Did you mean note? To look for the text, put it in quotes."),
        ("-nte:debug", 2, "Did you mean note?"),
        ("cgf.lr:1", 1, "Did you mean cfg?"),
        ("cfg.lr>=1 -modle=tree", 12, "Did you mean model?"),
        ("note:", 6, "expected a value after :"),
        ("created:2026-11-03", 8, "start_time is a time, which contains nothing"),
        ("duration:5m", 9, "duration:2d..1d"),
        ("auc=..", 5, "a range needs at least one end"),
        ("auc:low..high", 5, "expected a number"),
        ("auc=0.1..high", 10, "expected a number"),
        ("auc>0.1..0.2", 5, "expected a number"),
    ],
)
def test_an_error_points_at_its_column(text: str, column: int, words: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        quick(text)
    assert caught.value.details["column"] == column
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("word", "shown", "matches"),
    [
        (Word("churn"), "Churn v2", True),
        (Word("Churn"), "churn v2", False),
        (Word("Churn"), "Churn v2", True),
        (Word("churn", negated=True), "CHURN", False),
        (Word("x", negated=True), "churn", True),
        (Word("^v[0-9]$", regex=True), "V2", True),
        (Word("^V[0-9]$", regex=True), "v2", False),
        (Word("v", negated=True, regex=True), "churn", True),
    ],
)
def test_lower_case_words_mind_no_case(word: Word, shown: str, matches: bool) -> None:
    assert word.matches(shown) is matches


def test_an_odd_expression_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (word,) = quick("/[[a]/").words
        assert word.matches("a[")


@pytest.mark.parametrize(
    ("text", "order_text"),
    [
        ("", ""),
        ("auc", "metrics.auc"),
        ("-auc", "metrics.auc DESC"),
        ("+auc", "metrics.auc"),
        ("-auc, lr,", "metrics.auc DESC, params.lr"),
        ("-created", "start_time DESC"),
        ("-tags.team", "tags.team DESC"),
    ],
)
def test_a_sort_is_a_list_of_keys(text: str, order_text: str) -> None:
    assert parse_quick_order(text, RUNS, METRICS, PARAMS) == parse_order_by(order_text)


@pytest.mark.parametrize(
    ("text", "column", "words"), [("auc,-acu", 6, "Did you mean auc?"), ("dataset.name", 1, "cannot be sorted by")]
)
def test_a_wrong_sort_points_at_its_column(text: str, column: int, words: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse_quick_order(text, RUNS, METRICS, PARAMS)
    assert caught.value.details["column"] == column
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("churn", "churn"),
        ("two words", '"two words"'),
        ("!two words", '!"two words"'),
        ('say "hi" now', '"say ""hi"" now"'),
        ("auc>0.9", "auc>0.9"),
        ("auc > 0.9", "auc>0.9"),
        ("name=two words", 'name="two words"'),
        ('name="two words"', 'name="two words"'),
        ("name=a,'b c'", "name=a,'b c'"),
        ("/two words/", "/two words/"),
        ("!/v[0-9] x/", "!/v[0-9] x/"),
        ("-two words", '-"two words"'),
        ("-note:debug", "-note:debug"),
        ("-note:two words", '-note:"two words"'),
        ("note:two words", 'note:"two words"'),
        ("-name=two words", '-name="two words"'),
        ("--two words", '"--two words"'),
    ],
)
def test_a_shell_word_becomes_one_term_and_stays_it(word: str, term: str) -> None:
    assert as_term(word) == term
    assert as_term(term) == term


def test_terms_are_told_apart() -> None:
    assert [is_predicate(word) for word in ("a=1", "!a=1", "-a=1", "a", "/a=1/", "a=")] == [
        *(True, True, True),
        *(False, False, True),
    ]
    assert [is_expression(word) for word in ("/a/", "/a b/", "/a", "//", "a")] == [True, True, False, False, False]


def test_the_predicate_is_a_filter_like_any_other() -> None:
    predicate = quick("auc>0.9 model=tree").predicate
    assert isinstance(predicate, And)
    assert not isinstance(predicate, Or)
    assert parse_filter(unparse(predicate), schema=RUNS) == predicate


def test_a_query_is_one_filter_whose_words_stand_in_any_of_the_texts() -> None:
    tree = quick("loan -Test cfg.lr>1").tree(("run_name", "user_id"))
    expected = (
        "params.lr > 1 AND (run_name ILIKE '%loan%' OR user_id ILIKE '%loan%')"
        " AND NOT (run_name LIKE '%Test%' OR user_id LIKE '%Test%')"
    )
    assert tree == parse_filter(expected, schema=RUNS)
    assert quick("").tree(("run_name",)) is None
    assert quick("x").tree(("run_name",)) == parse_filter("run_name ILIKE '%x%'", schema=RUNS)


def test_a_regular_expression_is_no_filter() -> None:
    with pytest.raises(InvalidInput, match="regular expression"):
        quick("/a+/").tree(("run_name",))
