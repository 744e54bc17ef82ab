"""An independent reading of the scoring rules in plain Python: one person at a time, no SQL, nothing of the engine.

It reads the same model file. Rows are dicts, times aware datetimes; no key, None, NaN and blank text are unknown.
"""

# ruff: noqa: ANN401 - the values of a row are of any type, and this reading does not know columns

import copy
import math
import re
import tomllib
from datetime import UTC, date, datetime, time
from typing import Any

Row = dict[str, Any]
Table = dict[str, Any]
DAY = 86400.0
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Oracle:
    """Scores people by one model at one time."""

    def __init__(self, model: str, *, as_of: datetime, lists: dict[str, set[str]] | None = None) -> None:
        self.model: Table = tomllib.loads(model)
        rollup = self.model.get("rollup", {})
        self.model |= {key: rollup[key] for key in ("breadth", "coverage") if key in rollup}
        self.now = second(as_of)
        self.lists = {name: {text(entry) for entry in entries} for name, entries in (lists or {}).items()}

    def score(
        self, people: list[Row], accounts: list[Row], events: list[Row], adjustments: list[Row] | None = None
    ) -> dict[str, Row]:
        """Score everybody who exists and is in the audience."""
        by_account = {account["account_id"]: account for account in accounts}
        unique = once(events)
        results = {}
        for person in people:
            created = known(person.get("created_at"))
            if created is not None and second(created) > self.now:
                continue
            account = by_account.get(known(person.get("account_id")) or "")
            mine = [event for event in unique if event.get("person_id") == person["person_id"]]
            ledger = self.ledger(person["person_id"], adjustments or [])
            subject = self.subject(person, account or {}, mine, ledger)
            if subject.in_audience():
                results[person["person_id"]] = subject.result()
        return results

    def score_accounts(
        self,
        of_people: "Oracle | None",
        people: list[Row],
        accounts: list[Row],
        events: list[Row],
        adjustments: list[Row] | None = None,
    ) -> dict[str, Row]:
        """Score accounts, with the people that another oracle scores; without a roll-up an account has no people."""
        rolled = of_people if "rollup" in self.model else None
        scored = rolled.score(people, accounts, events, adjustments) if rolled else {}
        unique = once(events)
        results = {}
        for account in accounts:
            name = account["account_id"]
            nobodys = [event for event in unique if known(event.get("person_id")) is None]
            mine = [event for event in nobodys if event.get("account_id") == name]
            subject = self.subject(account, account, mine, self.ledger(name, adjustments or []))
            subject.team = [
                (person, scored[person["person_id"]])
                for person in people
                if person.get("account_id") == name
                and person["person_id"] in scored
                and scored[person["person_id"]]["state"] in ("active", "never_active")
            ]
            if subject.in_audience():
                results[name] = subject.result()
        return results

    def subject(self, row: Row, account: Row, events: list[Row], ledger: list[Row]) -> "Subject":
        """Make a subject of its events that exist."""
        since = max((second(entry["effective_at"]) for entry in ledger if entry["op"] == "set_to"), default=None)
        mine = [event for event in events if since is None or second(event["occurred_at"]) >= since]
        subject = Subject(self, row, account, [event for event in mine if self.counts(event)])
        subject.ledger = ledger
        return subject

    def ledger(self, subject_id: str, adjustments: list[Row]) -> list[Row]:
        """Give the adjustments that a subject's engagement still has, the latest set_to and what came with or after."""
        mine = [
            row
            for row in adjustments
            if (row["subject_id"], row["model_id"]) == (subject_id, self.model["model"]["id"])
            and second(row["effective_at"]) <= self.now
        ]
        resets = [row for row in mine if row["op"] == "set_to"]
        if not resets:
            return mine
        latest = max(resets, key=lambda row: (second(row["effective_at"]), row["adjustment_id"]))
        since = second(latest["effective_at"])
        return [latest, *(row for row in mine if row["op"] == "modify" and second(row["effective_at"]) >= since)]

    def counts(self, event: Row) -> bool:
        """Say whether an event exists for scoring."""
        return event.get("is_bot") is not True and second(event["occurred_at"]) <= self.now

    def age(self, time: datetime) -> int:
        """Give an age in whole seconds."""
        return self.now - second(time)


class Subject:
    """One person with account and events."""

    def __init__(self, oracle: Oracle, person: Row, account: Row, events: list[Row]) -> None:
        self.oracle, self.person, self.account, self.events = oracle, person, account, events
        self.model = self.of_segment(oracle.model)
        self.rows: dict[tuple[str, str], Row] = {}
        self.pillars: dict[str, float] = {}
        self.ledger: list[Row] = []
        self.team: list[tuple[Row, Row]] = []
        self.known_idle: int | None = None

    def in_audience(self) -> bool:
        audience = self.model["model"].get("audience")
        return audience is None or self.holds(audience)

    def of_segment(self, model: Table) -> Table:
        """Give the model with what the subject's segment puts in the place of its numbers."""
        found = next((row for row in model.get("segment", []) if self.holds(row["when"])), None)
        if found is None:
            return model
        own = copy.deepcopy(model)
        for rule in own.get("fit", []) + own.get("engagement", []):
            rule |= {"points": found["points"][rule["id"]]} if rule["id"] in found.get("points", {}) else {}
        for name, cap in found.get("caps", {}).items():
            own["group"][name]["cap"] = cap
        own |= {key: found[key] for key in ("band", "breadth", "coverage") if key in found}
        return own

    # Fields and conditions

    def field(self, name: str, event: Row | None = None) -> Any:
        if name.startswith("account."):
            own = name.removeprefix("account.")
            value = known(self.account.get(own))
            return known(self.person.get(own)) if value is None else value
        if event is not None:
            if name.startswith("props."):
                return known((event.get("props") or {}).get(name.removeprefix("props.")))
            return known(event.get(name))
        if name == "email_domain":
            email = known(self.person.get("email"))
            return known(email.rpartition("@")[2]) if email is not None and "@" in email else None
        return known(self.person.get(name))

    def holds(self, condition: Table, event: Row | None = None) -> bool:
        return self.truth(condition, event, two_valued=True) is True

    def truth(self, condition: Table, event: Row | None = None, *, two_valued: bool) -> bool | None:
        if "not" in condition:
            inner = self.truth(condition["not"], event, two_valued=two_valued)
            return None if inner is None else not inner
        if "all" in condition:
            parts = [self.truth(part, event, two_valued=two_valued) for part in condition["all"]]
            return False if False in parts else None if None in parts else True
        if "any" in condition:
            parts = [self.truth(part, event, two_valued=two_valued) for part in condition["any"]]
            return True if True in parts else None if None in parts else False
        (operator,) = condition.keys() - {"field"}
        value = self.field(condition["field"], event)
        if operator == "missing":
            return value is None
        if operator == "present":
            return value is not None
        if value is not None and condition["field"].startswith("props."):
            value = as_operand(value, condition[operator], operator)
        if value is None:
            return False if two_valued else None
        return self.compare(operator, value, condition[operator])

    def compare(self, operator: str, value: Any, operand: Any) -> bool:
        value, given = plain(value), [plain(part) for part in operand] if isinstance(operand, list) else plain(operand)
        match operator:
            case "is":
                return bool(value == given)
            case "is_not":
                return bool(value != given)
            case "in":
                return value in given
            case "not_in":
                return value not in given
            case "in_list":
                return value in self.oracle.lists[operand]
            case "contains":
                return given in value
            case "contains_any":
                return any(part in value for part in given)
            case "starts_with":
                return bool(value.startswith(given))
            case "matches":
                return re.search(operand, value, re.IGNORECASE) is not None
            case "gt":
                return bool(value > given)
            case "gte":
                return bool(value >= given)
            case "lt":
                return bool(value < given)
            case "lte":
                return bool(value <= given)
            case "between":
                return bool(given[0] <= value <= given[1])
            case "older_than":
                return self.oracle.now - int(value) >= duration(operand)
            case "newer_than":
                return 0 <= self.oracle.now - int(value) < duration(operand)
            case _:
                raise AssertionError(operator)

    # Rules

    def fit_points(self, rule: Table) -> float:
        if "brackets" not in rule:
            return float(rule.get("points", 0)) if self.holds(rule["when"]) else 0.0
        value = self.field(rule["field"])
        if value is None:
            return 0.0
        below = (float(row["points"]) for row in rule["brackets"] if "below" not in row or value < row["below"])
        return next(below, 0.0)

    def matching(self, rule: Table) -> list[Row]:
        """Give the events that match a rule, windows aside, newest first."""
        types = [rule["event"]] if isinstance(rule["event"], str) else rule["event"]
        found = [event for event in self.events if event["type"] in types]
        found = [event for event in found if "where" not in rule or self.holds(rule["where"], event)]
        return sorted(found, key=lambda event: second(event["occurred_at"]), reverse=True)

    def counted(self, rule: Table) -> list[Row]:
        """Give the events that count: inside the window, equal ones once."""
        found = self.matching(rule)
        if "within" in rule:
            found = [event for event in found if self.age(event) < duration(rule["within"])]
        if "distinct" not in rule:
            return found
        kept, seen = [], set()
        for event in found:
            key = self.field(rule["distinct"], event)
            if key is None or key not in seen:
                kept.append(event)
            seen.add(key)
        return kept

    def age(self, event: Row) -> int:
        return self.oracle.age(event["occurred_at"])

    def idle(self) -> int | None:
        if self.known_idle is not None:
            return self.known_idle
        rules = [rule for rule in self.model.get("engagement", []) if rule["points"] > 0 and "no_event_for" not in rule]
        ages = [self.age(event) for rule in rules for event in self.matching(rule)]
        ages += [result["idle"] for _, result in self.team if result["idle"] is not None]
        return min(ages) if ages else None

    def engagement_points(self, rule: Table) -> tuple[float, list[Row]]:
        if "no_event_for" in rule:
            points, events = self.silence(rule), []
        else:
            events = self.counted(rule)
            decay = rule.get("decay", self.model.get("decay", {}).get("default", "none"))
            if len(events) < rule.get("at_least", 1):
                points, events = 0.0, []
            elif rule.get("award", "each") == "once":
                points = rule["points"] * left(decay, self.age(events[0]))
            else:
                points = sum(rule["points"] * left(decay, self.age(event)) for event in events)
        if "cap" in rule:
            points = max(-rule["cap"], min(rule["cap"], points))
        return float(points), events

    def silence(self, rule: Table) -> float:
        idle = self.idle()
        if idle is None:
            return 0.0
        if "event" not in rule:
            return float(rule["points"]) if idle >= duration(rule["no_event_for"]) else 0.0
        found = self.matching(rule)
        quiet = not found or self.age(found[0]) >= duration(rule["no_event_for"])
        return float(rule["points"]) if quiet else 0.0

    # The score

    def add(self, kind: str, rule_id: str, points: float, events: list[Row] | None = None) -> None:
        times = sorted(second(event["occurred_at"]) for event in events or [])
        row = {"points": points, "events": len(times), "first": times[0] if times else None}
        self.rows[kind, rule_id] = {**row, "last": times[-1] if times else None, "label": self.label(rule_id)}

    def label(self, rule_id: str) -> str | None:
        """Give the words for a rule; nothing for what is not a rule."""
        rules = [rule for table in ("fit", "engagement", "multiply") for rule in self.model.get(table, [])]
        found = next((rule for rule in rules if rule["id"] == rule_id), None)
        return None if found is None else found.get("label", rule_id.replace("_", " "))

    def axis(self, table: str) -> list[float]:
        """Give the values an axis adds up, one per group or ungrouped rule, and keep the rows."""
        sums: dict[str, float] = {}
        single: list[float] = []
        pillars: dict[str, float] = dict.fromkeys(self.model.get("pillars", {}) if table == "fit" else (), 0.0)
        for rule in self.model.get(table, []):
            points, events = (self.fit_points(rule), []) if table == "fit" else self.engagement_points(rule)
            self.add(table, rule["id"], points, events)
            if "group" in rule:
                sums[rule["group"]] = sums.get(rule["group"], 0.0) + points
            elif "pillar" in rule:
                pillars[rule["pillar"]] += points
            else:
                single.append(points)
        single += [self.weighted(pillar, value) for pillar, value in pillars.items()]
        if table == "engagement":
            sums = {group: value + self.multiplied(group, value) for group, value in sums.items()}
        return single + [self.bounded(group, value) for group, value in sums.items()]

    def weighted(self, pillar: str, value: float) -> float:
        bounds = self.model.get("pillar", {}).get(pillar, {})
        inside = max(min(value, bounds.get("cap", math.inf)), bounds.get("floor", -math.inf))
        weight = self.model["pillars"][pillar]
        self.pillars[pillar] = inside
        self.add("group_clamp", pillar, inside - value)
        self.add("pillar_weight", pillar, (weight - 1) * inside)
        return float(weight * inside)

    def people_points(self) -> float:
        """Give what the people of an account add."""
        if "rollup" not in self.model:
            return 0.0
        rollup = self.model["rollup"]
        values = sorted(
            (
                (result[rollup.get("of", "engagement")] * self.weight(person), person["person_id"])
                for person, result in self.team
            ),
            key=lambda pair: (-pair[0], pair[1]),
        )
        worth = [value for value, _ in values]
        match rollup.get("kind", "sum"):
            case "sum":
                gain = sum(worth)
            case "max":
                gain = worth[0] if worth else 0.0
            case "top_k":
                gain = sum(worth[: rollup["k"]])
            case _:
                gain = sum(value * rollup["ratio"] ** place for place, value in enumerate(worth))
        self.add("rollup", "rollup", gain)
        return float(gain) + self.breadth() + self.coverage()

    def weight(self, person: Row) -> float:
        weights = {text(name): weight for name, weight in self.model["rollup"].get("role_weights", {}).items()}
        return float(weights.get(role_of(person) or "", 1.0))

    def engaged(self, at_least: float) -> list[Row]:
        return [person for person, result in self.team if result["engagement"] >= at_least]

    def breadth(self) -> float:
        rule = self.model.get("breadth")
        if rule is None:
            return 0.0
        gain = rule["points_each"] * len(self.engaged(rule["engaged_at_least"]))
        gain = min(gain, rule.get("cap", math.inf))
        self.add("breadth", "breadth", gain)
        return float(gain)

    def coverage(self) -> float:
        rule = self.model.get("coverage")
        if rule is None:
            return 0.0
        held = {role_of(person) for person in self.engaged(rule["engaged_at_least"])}
        gain = rule["points"] if {text(role) for role in rule["roles"]} <= held else 0.0
        self.add("coverage", "coverage", gain)
        return float(gain)

    def multiplied(self, group: str, value: float) -> float:
        gain = 0.0
        for rule in self.model.get("multiply", []):
            if rule["group"] == group:
                events = self.counted(rule)
                more = min((rule["factor"] - 1) * max(value, 0.0), rule["max_points"]) if events else 0.0
                self.add("multiply", rule["id"], more, events)
                gain += more
        return gain

    def bounded(self, group: str, value: float) -> float:
        bounds = self.model["group"][group]
        after: float = min(value, bounds.get("cap", math.inf))
        after = max(after, bounds.get("floor", -math.inf))
        self.add("group_clamp", group, after - value)
        return after

    def kept(self) -> float:
        rule, idle = self.model.get("inactivity"), self.idle()
        if rule is None or idle is None:
            return 1.0
        if "steps" in rule:
            passed = [step for step in rule["steps"] if duration(step["after"]) <= idle]
            return float(max(passed, key=lambda step: duration(step["after"]))["keep"]) if passed else 1.0
        period = rule["per_period"]
        if "zero_after" in period and idle >= duration(period["zero_after"]):
            return 0.0
        if idle < duration(period.get("starts_after", period["every"])):
            return 1.0
        return float(period["keep"] ** (idle // duration(period["every"])))

    def corrected(self) -> float:
        gain = 0.0
        for row in self.ledger:
            half_life = known(row.get("half_life_days"))
            days = self.oracle.age(row["effective_at"]) / DAY
            gain += row["points"] * (1.0 if half_life is None else 0.5 ** (days / half_life))
        self.add("adjustment", "adjustments", gain)
        return gain

    def state(self) -> str:
        rules = self.model.get("fit", [])
        if "suppress" in self.model and self.holds(self.model["suppress"]["when"]):
            return "suppressed"
        if any(rule.get("disqualify") and self.holds(rule["when"]) for rule in rules):
            return "disqualified"
        if any(rule.get("gate") and not self.passes(rule) for rule in rules):
            return "gated"
        return "never_active" if self.idle() is None else "active"

    def passes(self, rule: Table) -> bool:
        if rule.get("unknown", "fail") == "fail":
            return self.holds(rule["when"])
        return self.truth(rule["when"], two_valued=False) is not False

    def engagement(self) -> float:
        parts = self.axis("engagement")
        positive = sum(max(part, 0.0) for part in parts)
        engagement = sum(min(part, 0.0) for part in parts) + self.kept() * positive
        self.add("inactivity", "inactivity", (self.kept() - 1) * positive)
        return engagement + self.corrected() + self.people_points()

    def without_third_parties(self) -> float:
        """Give engagement as if third-party rules gave nothing, with the silence that there is."""
        other = copy.copy(self)
        other.rows, other.known_idle, other.model = {}, self.idle(), copy.deepcopy(self.model)
        for rule in other.model.get("engagement", []):
            rule["points"] = 0 if rule.get("third_party") else rule["points"]
        return round(other.engagement(), 9)

    def result(self) -> Row:
        fit = sum(self.axis("fit"))
        engagement = self.engagement()
        combine = self.model.get("combine", {})
        weights = (combine["fit"], combine["engagement"]) if combine.get("kind") == "weighted" else (1, 1)
        self.add("axis_weight", "fit", (weights[0] - 1) * fit)
        self.add("axis_weight", "engagement", (weights[1] - 1) * engagement)
        combined = weights[0] * fit + weights[1] * engagement
        scale = self.model["model"].get("scale", {})
        scaled = max(min(combined, scale.get("max", math.inf)), scale.get("min", -math.inf))
        self.add("scale_clamp", "scale", scaled - combined)
        state, lowest = self.state(), scale.get("min", 0.0)
        total = {
            "suppressed": lowest,
            "disqualified": lowest,
            "gated": min(scaled, combine.get("gate_ceiling", lowest)),
        }
        final = total.get(state, scaled)
        rule_id = {"suppressed": "suppress", "disqualified": "disqualify", "gated": "gate"}.get(state, state)
        self.add("state", rule_id, final - scaled)
        figures = {"first_party": self.without_third_parties()}
        figures |= {"fit": round(fit, 9), "engagement": round(engagement, 9), "total": round(final, 9)}
        return {
            "state": state,
            "idle": self.idle(),
            **figures,
            "band": self.band(state, figures),
            "fit_grade": grade(self.model.get("grade", {}).get("fit"), figures["fit"]),
            "engagement_grade": grade(self.model.get("grade", {}).get("engagement"), figures["engagement"]),
            "pillars": self.pillars,
            "contributions": {key: row for key, row in self.rows.items() if abs(row["points"]) > 5e-13},
        }

    def band(self, state: str, figures: Row) -> str | None:
        if state in ("suppressed", "disqualified"):
            return None
        for band in self.model["band"]:
            entered = figures["total"] >= band.get("at_least", -math.inf)
            entered = entered and figures["total"] > band.get("above", -math.inf)
            if entered and self.needs(band, figures):
                return str(band["id"])
            stays = self.person.get("previous_band") == band["id"] and "release_below" in band
            if stays and figures["total"] >= band["release_below"]:
                return str(band["id"])
        return None

    def needs(self, band: Table, figures: Row) -> bool:
        needs = band.get("needs", {})
        engagement = figures["engagement" if band.get("third_party") else "first_party"]
        if figures["fit"] < needs.get("fit_at_least", -math.inf):
            return False
        if engagement < needs.get("engagement_at_least", -math.inf):
            return False
        return "when" not in needs or self.holds(needs["when"])


def role_of(person: Row) -> str | None:
    """Give a person's role in a purchase, else the seniority."""
    role = known(person.get("buying_role")) or known(person.get("seniority"))
    return None if role is None else text(role)


def once(events: list[Row]) -> list[Row]:
    """Give the events without repetitions."""
    return list({event["event_id"]: event for event in reversed(events)}.values())


def grade(axis: Table | None, value: float) -> str | None:
    """Give the letter of a value."""
    if axis is None:
        return None
    reached = {letter: edge for letter, edge in axis.items() if letter != "else" and edge <= value}
    return max(reached, key=lambda letter: float(reached[letter])) if reached else axis.get("else")


def left(decay: Table | str, age: int) -> float:
    """Give the share that an age leaves."""
    if decay == "none" or isinstance(decay, str):
        return 1.0
    days = age / DAY
    ((kind, size),) = decay.items()
    match kind:
        case "half_life":
            return float(0.5 ** (days / (duration(size) / DAY)))
        case "linear":
            return float(max(0.0, 1 - days / (duration(size) / DAY)))
        case "per_week":
            return float((1 - size) ** (age // (7 * 86400)))
        case _:
            return float((1 - size) ** (age // (30 * 86400)))


def duration(text_: str) -> int:
    """Read a duration as seconds."""
    return int(text_[:-1]) * UNITS[text_[-1]]


def second(moment: date) -> int:
    """Give a time as whole seconds, floored; a date is its first second."""
    at = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return math.floor((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def known(value: Any) -> Any:
    """Give None for everything that means unknown."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if isinstance(value, str) and not value.strip() else value


def plain(value: Any) -> Any:
    """Give a value in the form in which it is compared."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [text(part) for part in value if part is not None]
    return second(value) if isinstance(value, date) else value


def text(value: str) -> str:
    """Lower a text letter by letter (the simple case mapping) and trim it."""
    return "".join("i" if letter == "İ" else letter.lower() for letter in value).strip()


def as_operand(value: str, operand: Any, operator: str) -> Any:
    """Read a property as the type of what it is compared with."""
    sample = operand[0] if isinstance(operand, list) else operand
    if operator in ("older_than", "newer_than") or isinstance(sample, date):
        try:
            return second(datetime.fromisoformat(value.strip()))
        except ValueError:
            return None
    if isinstance(sample, bool):
        return {"true": True, "false": False}.get(text(value))
    if isinstance(sample, int | float):
        try:
            return known(float(value))
        except ValueError:
            return None
    return value
