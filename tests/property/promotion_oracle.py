"""An independent judge: is what stands in Production there by right?

It knows nothing of our rules, stores or classes. It reads audit records as plain facts, is told by the test which rules
were in force and which bytes were damaged when, and replays: every entry into Production must be justified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

RANK = {"viewer": 1, "operator": 2, "approver": 3, "admin": 4}
DAY_MS = 24 * 3_600_000


class Entry(Protocol):
    """An audit record, as far as the judge reads it."""

    @property
    def seq(self) -> int: ...
    @property
    def time_ms(self) -> int: ...
    @property
    def actor(self) -> str: ...
    @property
    def on_behalf_of(self) -> str: ...
    @property
    def verb(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def before(self) -> Mapping[str, Any] | None: ...
    @property
    def after(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True)
class Rules:
    """What the policy file said of the model churn, in the test's own words. Times are milliseconds since the epoch.

    `gone` says that there is no file; the rest is then what it said last.
    """

    approvals: int = 0
    approvers: tuple[str, ...] = ()
    least_auc: float | None = None
    worse_by: float | None = None
    frozen: tuple[int, int] | None = None
    single: bool = True
    lost_role: str = ""
    gone: bool = False

    @property
    def demands(self) -> tuple[object, ...]:
        """What an approval is given under."""
        return self.approvals, self.approvers, self.least_auc, self.worse_by, self.frozen

    def rank(self, name: str) -> int:
        """What a person may do; one of them may have lost the role, and without a file everybody may do everything."""
        if self.gone:
            return RANK["admin"]
        roles = {"root": "admin", "boss": "admin", "alice": "approver", "carol": "approver", "bob": "operator"}
        return RANK["viewer"] if name == self.lost_role else RANK[roles.get(name, "viewer")]


NO_DEMANDS = Rules().demands
Person = frozenset[str]


@dataclass
class Asked:
    """A request for approval, as told by the log."""

    version: int
    to: str
    override: bool
    digest: str
    by: Person
    time_ms: int
    demands: tuple[object, ...]
    serving: frozenset[int]
    latest_ms: int = 0
    yes: dict[str, Person] = field(default_factory=dict)
    over: bool = False


@dataclass
class Judge:
    """Replays the log of one model; `problems` holds everything that was not by right."""

    rules: Rules = field(default_factory=Rules)
    damaged: set[int] = field(default_factory=set)
    measured: dict[int, tuple[float, str]] = field(default_factory=dict)
    stages: dict[int, str] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    proven: list[int] = field(default_factory=list)
    moved: dict[int, tuple[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    turns: int = 0
    name: str = "churn"
    judged: bool = False

    @property
    def in_force(self) -> Rules:
        """What holds for the model under the name it has now."""
        if self.name == "churn" and not self.rules.gone:
            return self.rules
        single = self.rules.single or self.rules.gone
        return Rules(single=single, lost_role=self.rules.lost_role, gone=self.rules.gone)

    @property
    def serving(self) -> frozenset[int]:
        """The versions in Production."""
        return frozenset(number for number, stage in self.stages.items() if stage == "Production")

    def consume(self, entry: Entry) -> None:
        """Take the next record; the rules and damages told before it were in force when it was written."""
        for asked in self.asked.values():
            asked.latest_ms = max(asked.latest_ms, entry.time_ms)
        if entry.kind == "version":
            self._version(entry)
        elif entry.kind == "approval":
            self._approval(entry)
        elif entry.kind == "promotion":
            self._promotion(entry)
        elif entry.kind == "model" and entry.verb == "rename":
            self._rename(entry)

    def settled(self) -> None:
        """To be called between operations: no stage may have changed without a promotion."""
        if self.moved:
            self.problems.append(f"stages changed without a promotion: {self.moved}")
            self.moved.clear()

    def _rename(self, entry: Entry) -> None:
        if set(self.stages.values()) & {"Production", "Staging"}:
            self.problems.append(f"record {entry.seq}: renamed while it serves")
        known = self.judged or not self.rules.gone
        if known and self.rules.demands != NO_DEMANDS:
            self.problems.append(f"record {entry.seq}: renamed to where other things are demanded")
        self.name = (entry.after or {})["name"]

    def _version(self, entry: Entry) -> None:
        number = int(entry.key.rpartition("/")[2])
        after = entry.after or {}
        if entry.verb == "register":
            self.stages[number] = after["stage"]
            self.digests[number] = after["digest"]
            if after["stage"] == "Production":
                self.problems.append(f"{number} was registered into Production")
        elif entry.before is not None and "stage" in after:
            self.moved[number] = (entry.before["stage"], after["stage"])

    def _approval(self, entry: Entry) -> None:
        after = entry.after or {}
        self.judged = self.judged or not self.rules.gone
        if entry.verb in ("request", "request override"):
            self.asked[entry.key] = Asked(
                version=int(after["version"].rpartition("/")[2]),
                to=after["to"],
                override=entry.verb == "request override",
                digest=after["digest"],
                by=_person(entry),
                time_ms=entry.time_ms,
                demands=self.in_force.demands,
                serving=self.serving,
            )
            return
        asked = self.asked[entry.key]
        if entry.verb == "approve":
            asked.yes[entry.actor] = _person(entry)
        elif entry.verb == "revoke":
            asked.yes.pop(entry.actor)
        elif entry.verb in ("reject", "withdraw", "close"):
            asked.over = True

    def _promotion(self, entry: Entry) -> None:
        after = entry.after or {}
        version, to = int(after["version"].rpartition("/")[2]), after["stage"]
        entered = [number for number, (_, stage) in self.moved.items() if stage == "Production"]
        if not set(entered) <= {version}:
            self.problems.append(f"{entered} entered Production with the promotion of {version}")
        if any(self.stages[number] != before for number, (before, _) in self.moved.items()):
            self.problems.append(f"the log contradicts itself at {entry.seq}")
        if self.judged and self.rules.gone and entry.verb != "roll back" and to != "Archived":
            self.problems.append(f"record {entry.seq}: {version} entered {to} while the policy was gone")
        self.judged = self.judged or not self.rules.gone
        if to == "Production":
            self._entry_into_production(entry, version)
        self._remember(entry, version, to)

    def _entry_into_production(self, entry: Entry, version: int) -> None:
        judge = {"promote": self._promote, "override": self._override, "roll back": self._roll_back}[entry.verb]
        wrong = judge(entry, version)
        if version in self.damaged:
            wrong.append("its bytes are damaged")
        if (entry.after or {})["digest"] != self.digests[version]:
            wrong.append("its digest is another one")
        self.problems += [f"record {entry.seq}, {entry.verb} of {version}: {problem}" for problem in wrong]

    def _promote(self, entry: Entry, version: int) -> list[str]:
        rules, wrong = self.in_force, []
        if rules.rank(entry.actor) < RANK["operator"]:
            wrong.append(f"{entry.actor} is no operator")
        if rules.frozen and rules.frozen[0] <= entry.time_ms < rules.frozen[1]:
            wrong.append("it is frozen")
        auc, data = self.measured[version]
        if rules.least_auc is not None and auc < rules.least_auc:
            wrong.append("its AUC is too low")
        for other in self.serving - {version} if rules.worse_by is not None else ():
            other_auc, other_data = self.measured[other]
            if other_data != data or round(auc - other_auc + (rules.worse_by or 0), 9) < 0:
                wrong.append(f"it was not shown to be as good as {other}")
        if rules.approvals:
            request = self._used(entry, override=False)
            yes = self._counted(request, entry, version) if request else []
            if len(yes) < rules.approvals:
                wrong.append(f"it has {len(yes)} approvals of {rules.approvals}")
        return wrong

    def _override(self, entry: Entry, version: int) -> list[str]:
        wrong = []
        if self.in_force.rank(entry.actor) < RANK["admin"]:
            wrong.append(f"{entry.actor} is no admin")
        request = self._used(entry, override=True)
        yes = self._counted(request, entry, version) if request else []
        if not any(not person & _person(entry) for person in yes):
            wrong.append("no second person approved")
        return wrong

    def _roll_back(self, entry: Entry, version: int) -> list[str]:
        wrong = []
        if self.in_force.rank(entry.actor) < RANK["operator"]:
            wrong.append(f"{entry.actor} is no operator")
        newest = next((number for number in reversed(self.proven) if number in self.serving), None)
        earlier = self.proven[: self.proven.index(newest)] if newest is not None else self.proven
        if not earlier or earlier[-1] != version:
            wrong.append(f"the version to go back to is another: {self.proven}")
        return wrong

    def _used(self, entry: Entry, *, override: bool) -> Asked | None:
        request = self.asked.get(str((entry.after or {}).get("request")))
        if request is None or request.over or request.override is not override:
            return None
        request.over = True
        return request

    def _counted(self, request: Asked, entry: Entry, version: int) -> list[Person]:
        """The approvals that count: of different people, allowed now, for these bytes under these rules."""
        what = (request.version, request.to, request.digest, request.demands, request.serving)
        now = (version, "Production", self.digests[version], self.in_force.demands, self.serving)
        if what != now or max(entry.time_ms, request.latest_ms) >= request.time_ms + DAY_MS:
            return []
        people: list[Person] = []
        for name, person in request.yes.items():
            listed = not self.in_force.approvers or name in self.in_force.approvers
            different = not any(person & other for other in (request.by, *people))
            if listed and different and self.in_force.rank(name) >= RANK["approver"]:
                people.append(person)
        return people

    def _remember(self, entry: Entry, version: int, to: str) -> None:
        left = {number for number, (before, _) in self.moved.items() if before == "Production"}
        for number, (_, stage) in self.moved.items():
            self.stages[number] = stage
        self.moved.clear()
        gone = {version, (entry.after or {}).get("rolled_back_from")}
        if to == "Production" or version in left:
            self.turns += 1
            self.proven = [number for number in self.proven if number not in gone]
        for asked in self.asked.values():  # what was overtaken once stays overtaken
            asked.over = asked.over or (asked.to == "Production" and asked.serving != self.serving)
        if to == "Production":
            self.proven.append(version)
            if self.in_force.single and len(self.serving) != 1:
                self.problems.append(f"{sorted(self.serving)} serve at once")


def _person(entry: Entry) -> Person:
    return frozenset({entry.actor, entry.on_behalf_of} - {""})
