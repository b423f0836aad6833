"""Windows as pure rules: none is lost, none comes twice, and labels that come late find theirs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.monitoring.model import Window
from engine.monitoring.planning import Known, Progress, again, new_windows, progress_from
from engine.monitoring.windows import Counted, closed, cut, first_start, holding
from engine.policy.monitors import MonitorSettings, Span

SPANS = st.tuples(st.integers(1, 50), st.integers(1, 50)).map(lambda pair: (max(pair), min(pair)))
REQUESTS = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 5)), max_size=60).map(
    lambda found: [Counted(place + 1, time_ms, rows) for place, (time_ms, rows) in enumerate(found)]
)


@given(span=SPANS, start=st.integers(0, 200), now=st.integers(0, 800))
def test_every_moment_before_the_watermark_is_in_windows_that_are_over(
    span: tuple[int, int], start: int, now: int
) -> None:
    length, step = Span(ms=span[0]), Span(ms=span[1])
    begin = first_start(step, start)
    found = list(closed(length, step, begin, now))
    assert begin <= start
    assert [each.start_ms for each in found] == [begin + place * step.ms for place in range(len(found))]
    assert all(each.end_ms - each.start_ms == length.ms and each.end_ms <= now for each in found)
    assert begin + len(found) * step.ms + length.ms > now


@given(span=SPANS, moment=st.integers(0, 500), before=st.integers(0, 600))
def test_a_moment_is_held_by_just_the_windows_that_hold_it(span: tuple[int, int], moment: int, before: int) -> None:
    length, step = Span(ms=span[0]), Span(ms=span[1])
    every = (Window(start, start + length.ms) for start in range(0, 601, step.ms))
    wanted = [each for each in every if each.start_ms <= moment < each.end_ms and each.start_ms < before]
    assert list(holding(length, step, moment, before)) == wanted


@given(requests=REQUESTS, span=SPANS, after=st.integers(0, 100))
def test_windows_of_rows_are_full_in_order_and_never_cut_a_request(
    requests: list[Counted], span: tuple[int, int], after: int
) -> None:
    length, step = Span(rows=span[0]), Span(rows=span[1])
    found, following = cut(requests, length, step, after)
    ends = [after, *(each.end_ms for each in found)]
    assert ends == sorted(set(ends))
    for window in found:
        held = [each for each in requests if window.first <= each.id <= window.last]
        assert sum(each.rows for each in held) >= length.rows
        assert sum(each.rows for each in held[:-1]) < length.rows
        assert window.start_ms == min(each.time_ms for each in held)
    assert following == 0 or following > (found[-1].first if found else 0)


@given(requests=REQUESTS, span=SPANS, at=st.integers(0, 60))
def test_cutting_in_two_goes_gives_the_same_windows(requests: list[Counted], span: tuple[int, int], at: int) -> None:
    length, step = Span(rows=span[0]), Span(rows=span[1])
    whole, _ = cut(requests, length, step, 0)
    first, following = cut(requests[:at], length, step, 0)
    begin = following or at + 1
    rest, _ = cut([each for each in requests if each.id >= begin], length, step, first[-1].end_ms if first else 0)
    assert (*first, *rest) == whole


class LateLabels(RuleBasedStateMachine):
    """Time passes, requests and labels come in any order; the model is a list of all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[int, int]] = []
        self.labelled: set[int] = set()
        self.now = 0
        self.progress = Progress(next=0)
        self.looked: list[Window] = []
        self.unheard: list[tuple[int, int]] = []

    @initialize(length=st.integers(1, 8), overlap=st.integers(1, 8), delay=st.integers(0, 5))
    def begin(self, length: int, overlap: int, delay: int) -> None:
        step = Span(ms=max(1, min(length, overlap)))
        self.settings = MonitorSettings("", Span(ms=length), step, lateness_ms=0, label_delay_ms=delay)

    @rule(delta=st.integers(1, 10))
    def pass_time(self, delta: int) -> None:
        self.now += delta

    @rule(count=st.integers(1, 5))
    def ask(self, count: int) -> None:
        self.requests += [(len(self.requests) + 1 + place, self.now) for place in range(count)]

    @rule(data=st.data())
    def label(self, data: st.DataObject) -> None:
        rest = [each for each in self.requests if each[0] not in self.labelled]
        if rest:
            found = data.draw(st.sampled_from(rest))
            self.labelled.add(found[0])
            self.unheard.append(found)

    @rule()
    def look(self) -> None:
        windows, following = new_windows(self.settings, self.progress, self.now)
        known_before = {each.window for each in self.progress.known}
        counted = self.progress.noted([], self.unheard)
        self.unheard = []
        for window in windows:
            counted = counted.looked(self._known(window))
            self.looked.append(window)
        assert not known_before & set(windows)
        for each in again(self.settings, counted, self.now):
            counted = counted.looked(self._known(each.window, settled=each.settled))
        written = Progress(following, counted.end_ms, 0, 0, counted.known).to_json()
        self.progress = progress_from(written)
        assert self.progress.to_json() == written

    def _known(self, window: Window, *, settled: bool = False) -> Known:
        held = [number for number, time_ms in self.requests if window.start_ms <= time_ms < window.end_ms]
        settled = settled or self.now >= window.end_ms + self.settings.label_delay_ms
        return Known(window, len(held), len(self.labelled & set(held)), settled=settled)

    @invariant()
    def each_window_was_new_once(self) -> None:
        assert len(self.looked) == len(set(self.looked))

    @invariant()
    def what_is_known_of_a_window_is_what_there_is_less_what_is_too_little_to_look_again(self) -> None:
        for each in self.progress.known:
            held = {number for number, time_ms in self.requests if each.holds(number, time_ms)}
            unheard = {number for number, _ in self.unheard}
            heard = len((self.labelled - unheard) & held)
            assert each.labelled + each.labels == heard
            assert not each.grown


TestLateLabels = LateLabels.TestCase
