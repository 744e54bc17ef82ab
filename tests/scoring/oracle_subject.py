"""The score of one person or account in plain Python: nothing of the engine."""

import copy
import math

from tests.scoring.oracle_conditions import Facts
from tests.scoring.oracle_values import DAY, Row, Table, duration, grade, known, left, role_of, second, text


class Subject(Facts):
    """One person with account and events."""

    def __init__(
        self, model: Table, person: Row, account: Row, events: list[Row], lists: dict[str, set[str]], now: int
    ) -> None:
        super().__init__(person, account, lists, now)
        self.events, self.model = events, self.of_segment(model)
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
        return self.now - second(event["occurred_at"])

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
            days = (self.now - second(row["effective_at"])) / DAY
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
