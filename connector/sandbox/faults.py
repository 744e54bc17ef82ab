"""Faults on request: which requests go wrong, when, and how."""

import json
import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.http import Request, Response
from connector.sandbox.listener import Delivery, Wait

HANG_MAX_S = 600.0
TRUNCATED_STAND_IN = b"{"
MATCH_KEYS = frozenset({"method", "path_re", "nth", "every", "probability", "seed"})
ACT_KEYS = frozenset({"status", "headers", "body", "drop", "reset", "hang_s", "truncate_at", "drip_bytes_s"})
MOMENTS = ("before_commit", "after_commit")


class FaultsError(ValueError):
    """Rules that cannot be followed; `problems` names all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Act:
    """Say what happens instead of, or to, the CRM's answer.

    A status makes up an answer; drop and reset give none. hang_s (at most 600) comes first and combines with all
    others. truncate_at and drip_bytes_s change how the made-up or the CRM's own answer travels.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    reset: bool = False
    hang_s: float = 0.0
    truncate_at: int | None = None
    drip_bytes_s: float | None = None


@dataclass
class FaultRule:
    """Match requests and count them; nth counts from 1 and fires once per number, every fires on each multiple."""

    method: re.Pattern[str]
    path: re.Pattern[str]
    nth: frozenset[int]
    every: int | None
    probability: float | None
    chance: random.Random
    after_commit: bool
    act: Act
    matched: int = 0

    def fires(self, request: Request) -> bool:
        """Count a request if it matches, and tell whether the fault strikes it."""
        if not (self.method.fullmatch(request.method) and self.path.search(request.path)):
            return False
        self.matched += 1
        if self.nth:
            return self.matched in self.nth
        if self.every is not None:
            return self.matched % self.every == 0
        return self.probability is None or self.chance.random() < self.probability


class FaultInjector:
    """Hold the rules; every rule counts every request, the first that fires acts."""

    def __init__(self) -> None:
        self.fired = 0
        self._rules: list[FaultRule] = []
        self._lock = threading.Lock()

    def replace(self, rules: Sequence[FaultRule]) -> None:
        """Take new rules in place of the old."""
        with self._lock:
            self._rules = list(rules)

    def strike(self, request: Request) -> FaultRule | None:
        """Give the rule that acts on this request."""
        with self._lock:
            firing = [rule for rule in self._rules if rule.fires(request)]
            self.fired += bool(firing)
        return firing[0] if firing else None


def deliver(
    rule: FaultRule | None, request: Request, wait: Wait, answer: Callable[[Request], Response], *, reads: bool
) -> Delivery:
    """Answer a request under the rule that strikes it; `reads` tells that the request changes nothing."""
    if rule is None:
        return Delivery(answer(request))
    if rule.after_commit:
        response: Response | None = answer(request)
        if rule.act.hang_s and wait(rule.act.hang_s):
            return Delivery(None)
        return struck(rule.act, response)
    if rule.act.hang_s and wait(rule.act.hang_s):
        return Delivery(None)  # the client left before anything was committed: it stays so
    if rule.act.status is not None or rule.act.drop or rule.act.reset:
        return struck(rule.act, None)
    if rule.act.truncate_at is not None and not reads:
        whole = TRUNCATED_STAND_IN.ljust(rule.act.truncate_at + 1)
        return struck(rule.act, Response(200, whole, {"Content-Type": "application/json"}))
    return struck(rule.act, answer(request))


def struck(act: Act, response: Response | None) -> Delivery:
    """Apply what an act says to an answer."""
    if act.drop or act.reset:
        return Delivery(None, reset=act.reset)
    if act.status is not None:
        response = Response(act.status, act.body, act.headers)
    return Delivery(response, truncate_at=act.truncate_at, drip_bytes_s=act.drip_bytes_s)


def parse_faults(items: object) -> list[FaultRule]:
    """Read the rules of `POST /control/faults`; raises FaultsError naming every problem."""
    if not isinstance(items, list):
        raise FaultsError([f"faults: expected a list of rules, got {type(items).__name__}"])
    problems: list[str] = []
    rules = [parse_rule(item, f"faults[{index}]", problems) for index, item in enumerate(items)]
    if problems:
        raise FaultsError(problems)
    return [rule for rule in rules if rule is not None]


def parse_rule(item: object, where: str, problems: list[str]) -> FaultRule | None:
    """Read one rule; null and entries in `problems` where it cannot be followed."""
    if not isinstance(item, dict):
        problems.append(f"{where}: expected an object")
        return None
    match, act = item.get("match", {}), item.get("act", {})
    before = len(problems)
    refuse_unknown(item, {"match", "when", "act"}, where, problems)
    refuse_unknown(match, MATCH_KEYS, f"{where}.match", problems)
    refuse_unknown(act, ACT_KEYS, f"{where}.act", problems)
    moment = item.get("when", MOMENTS[0])
    if moment not in MOMENTS:
        problems.append(f"{where}.when: {moment!r} is none of {', '.join(MOMENTS)}")
    if len(problems) > before:
        return None
    checks = Checks(where, problems)
    rule = FaultRule(
        method=checks.pattern(match, "method", ".*"),
        path=checks.pattern(match, "path_re", ""),
        nth=frozenset(checks.counts(match, "nth")),
        every=checks.number(match, "every", int, 1),
        probability=checks.number(match, "probability", float, 0),
        chance=random.Random(match.get("seed", 0)),  # noqa: S311 - a repeatable draw is wanted
        after_commit=moment == "after_commit",
        act=checks.act(act),
    )
    return rule if len(problems) == before else None


def refuse_unknown(item: object, known: frozenset[str] | set[str], where: str, problems: list[str]) -> None:
    """Name keys that mean nothing."""
    if not isinstance(item, dict):
        problems.append(f"{where}: expected an object")
        return
    problems += [f"{where}.{key}: unknown key, expected one of {', '.join(sorted(known))}" for key in {*item} - known]


@dataclass(frozen=True)
class Checks:
    """Read the values of one rule, noting what is wrong under the rule's name."""

    where: str
    problems: list[str]

    def pattern(self, match: Mapping[str, Any], key: str, default: str) -> re.Pattern[str]:
        """Compile a regular expression."""
        try:
            return re.compile(str(match.get(key, default)))
        except re.error as error:
            self.problems.append(f"{self.where}.match.{key}: not a regular expression ({error})")
            return re.compile("")

    def counts(self, match: Mapping[str, Any], key: str) -> list[int]:
        """Read a count or a list of counts, from 1."""
        value = match.get(key, [])
        counts = value if isinstance(value, list) else [value]
        if any(isinstance(count, bool) or not isinstance(count, int) or count < 1 for count in counts):
            self.problems.append(f"{self.where}.match.{key}: {value!r} is not a whole number from 1, or a list of them")
            return []
        return counts

    def number(self, item: Mapping[str, Any], key: str, kind: type[int] | type[float], least: float) -> Any:  # noqa: ANN401 - int or float as `kind` says, null where absent
        """Read a number not below a limit; null where it is absent."""
        value = item.get(key)
        if value is None:
            return None
        kinds = int if kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value < float("inf"):
            self.problems.append(f"{self.where}.{key}: {value!r} is not {kind.__name__} from {least}")
            return None
        return kind(value)

    def act(self, act: Mapping[str, Any]) -> Act:
        """Read what happens; at least one act is needed."""
        if not act:
            self.problems.append(f"{self.where}.act: empty, expected one of {', '.join(sorted(ACT_KEYS))}")
        body, headers = act.get("body", ""), act.get("headers", {})
        if not isinstance(headers, dict):
            self.problems.append(f"{self.where}.act.headers: expected an object")
            headers = {}
        elif not isinstance(body, str) and not any(name.lower() == "content-type" for name in headers):
            headers = {**headers, "Content-Type": "application/json"}
        drip = self.number(act, "drip_bytes_s", float, 0)
        if drip == 0:
            self.problems.append(f"{self.where}.drip_bytes_s: 0 would never end, use hang_s")
        return Act(
            status=self.number(act, "status", int, 100),
            headers={str(name): str(value) for name, value in headers.items()},
            body=body.encode() if isinstance(body, str) else json.dumps(body).encode(),
            drop=bool(act.get("drop")),
            reset=bool(act.get("reset")),
            hang_s=min(self.number(act, "hang_s", float, 0) or 0.0, HANG_MAX_S),
            truncate_at=self.number(act, "truncate_at", int, 0),
            drip_bytes_s=drip,
        )
