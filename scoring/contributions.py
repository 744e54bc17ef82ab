"""The explanation in figures: one row per rule that gave points, and one per correction; they sum to the total."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from scoring import adjustments
from scoring.combine import DISQUALIFIED, GATED, SUPPRESSED, group_column, used_groups
from scoring.events import IDLE, tally_column
from scoring.explain import CONSTANT, RULES
from scoring.expressions import (
    Scalar,
    bigint,
    case,
    column,
    integer,
    named,
    null,
    number,
    or_zero,
    raw_text,
    rounded,
    table,
    time_of,
    times,
)
from scoring.fit import points_column
from scoring.model import Model
from scoring.overrides import before_state, override_changes
from scoring.people import part_column, parts
from scoring.pillars import pillar_column
from scoring.predict.artefact import Part, SegmentTables, TableModel
from scoring.predict.blend import weighed
from scoring.predict.tables import by_part, log_odds_column, term_bin, value_column
from scoring.predict.words import bin_words, part_words
from scoring.rules import EngagementRule, MultiplyRule

# Finer than the 9 decimals of a total, so that the rounding of many rows cannot add up to a difference from it.
CONTRIBUTION_DECIMALS = 12

_PEOPLE_LABELS = {"rollup": "what its people do", "breadth": "people engaged", "coverage": "roles engaged"}


@dataclass(frozen=True)
class Line:
    """One possible row of an explanation: how the scored table gives its points, its events and their ages.

    `words` are its labels where they depend on the subject, `place` which of them is meant.
    """

    rule_id: str
    label: str
    kind: str
    points: Scalar
    events: Scalar | None = None
    oldest_s: Scalar | None = None
    newest_s: Scalar | None = None
    place: Scalar | None = None
    words: tuple[str, ...] = ()


def lines(model: Model, *, adjusted: bool) -> tuple[Line, ...]:
    """Give every row that an explanation may have, in file order, corrections last."""
    found = _of_rules(model, adjusted=adjusted)
    scaled, combined = "scaled", "combined"
    if model.table is not None and model.spec.combine.leads:
        worth = weighed(model, model.table, lambda of: of.of_rules)
        found = [*(_weighed(found, worth) if model.spec.combine.blends else ()), *_of_table(model, model.table)]
        scaled, combined = "model_scaled", "model_combined"
    found.append(Line("scale", "scale limit", "scale_clamp", column(scaled) - column(combined)))
    found += [Line(name, title, "override", change) for name, title, change in override_changes(model)]
    return (*found, *_state_lines(model))


def model_lines(model: Model) -> tuple[Line, ...]:
    """Give the rows of a trained model that stands beside the rules, in points on its scale; none if it leads."""
    if model.table is None or model.spec.combine.leads:
        return ()
    return tuple(_of_table(model, model.table))


def _of_table(model: Model, table: TableModel) -> list[Line]:
    """Give a row per feature, and one for what belongs to nobody; where segments have tables, its words say whose."""
    found = []
    labels = {feature.id: feature.label for feature in table.features}
    for name in table.scored:
        points = times(weighed(model, table, lambda of: of.of_features), column(log_odds_column(name)))
        place, words = _bins(table, name)
        found.append(Line(name, labels[name], "model", points, place=place, words=words))
    constant = weighed(model, table, lambda of: of.constant)
    if not table.segments:
        return [*found, Line(CONSTANT, part_words(table, table), CONSTANT, constant)]
    starts = tuple(part_words(table, part) for part in table.parts)
    place = by_part(table, lambda part: integer(starts.index(part_words(table, part))))
    return [*found, Line(CONSTANT, starts[0], CONSTANT, constant, place=place, words=starts)]


def _bins(table: TableModel, name: str) -> tuple[Scalar, tuple[str, ...]]:
    """Give which words are meant, and those of the bins of a feature in each of the tables that have it."""
    words: list[str] = []
    places: dict[str | None, Scalar] = {}
    for part in table.parts:
        segment = part.id if isinstance(part, SegmentTables) else None
        said = f" ({table.segment.label}: {segment})" if segment is not None and table.segment else ""
        for term in part.terms:
            if term.feature.id == name:
                places[segment] = term_bin(term, column(value_column(name)), len(words))
                words += [f"{word}{said}" for word in bin_words(term)]

    def of(part: Part) -> Scalar:
        return places.get(part.id if isinstance(part, SegmentTables) else None, integer(0)).copy()

    return by_part(table, of), tuple(words)


def _weighed(found: Sequence[Line], worth: Scalar) -> list[Line]:
    """Give the rules' rows what they are worth in a blend."""
    limit = Line(RULES, "limit of the rules", "scale_clamp", column("scaled") - column("combined"))
    return [replace(line, points=times(worth.copy(), line.points)) for line in (*found, limit)]


def _of_rules(model: Model, *, adjusted: bool) -> list[Line]:
    spec = model.spec
    found = [Line(rule.id, rule.title, "fit", column(points_column(rule.id))) for rule in spec.fit]
    found += [_event_line(rule) for rule in spec.engagement]
    found += [_event_line(rule) for rule in spec.multiply]
    for group in used_groups(model):
        label = f"{group.id.replace('_', ' ')} limit"
        found.append(Line(group.id, label, "group_clamp", column(group_column(group.id, "clamp"))))
    for pillar in spec.pillar:
        name = pillar.id.replace("_", " ")
        found.append(Line(pillar.id, f"{name} limit", "group_clamp", column(pillar_column(pillar.id, "clamp"))))
        found.append(Line(pillar.id, f"{name} weight", "pillar_weight", column(pillar_column(pillar.id, "weight"))))
    found += [Line(kind, _PEOPLE_LABELS[kind], kind, column(part_column(kind))) for kind in parts(model)]
    if spec.inactivity is not None:
        found.append(Line("inactivity", "inactivity", "inactivity", column("inactivity")))
    if adjusted:
        ages = column(adjustments.OLDEST_S), column(adjustments.NEWEST_S)
        points = column(adjustments.POINTS)
        found.append(Line(adjustments.TABLE, "recorded correction", "adjustment", points, None, *ages))
    if spec.combine.weighs:
        axes = ("fit", "engagement")
        found += [Line(axis, f"{axis} weight", "axis_weight", column(f"weight.{axis}")) for axis in axes]
    return found


def _event_line(rule: EngagementRule | MultiplyRule) -> Line:
    kind = "multiply" if isinstance(rule, MultiplyRule) else "engagement"
    points = column(points_column(rule.id))
    newest = column(tally_column(rule.id, "newest_s"))
    if isinstance(rule, EngagementRule) and rule.no_event_for is not None:
        # No event stands behind silence; what a reader wants to know is since when.
        return Line(rule.id, rule.title, kind, points, newest_s=newest if rule.event is not None else column(IDLE))
    events = or_zero(column(tally_column(rule.id, "events")))
    return Line(rule.id, rule.title, kind, points, events, column(tally_column(rule.id, "oldest_s")), newest)


def _state_lines(model: Model) -> list[Line]:
    spec = model.spec
    states = [(SUPPRESSED, "suppress")] if spec.suppress else []
    states += [(DISQUALIFIED, "disqualify")] if any(rule.disqualify for rule in spec.fit) else []
    states += [(GATED, "gate")] if any(rule.gate for rule in spec.fit) else []
    change = column("total_exact") - column(before_state(model))
    return [
        Line(rule_id, state, "state", case([(column("state").eq(raw_text(state)), change.copy())], number(0.0)))
        for state, rule_id in states
    ]


def stored_columns(found: Sequence[Line]) -> dict[str, Scalar]:
    """Give what the scored table keeps of each line: its points as they are stored, its events and their ages.

    All points are rounded, those of a fit rule, too: a column that merely renames another makes Spark derive so many
    equalities that it runs out of memory.
    """
    columns: dict[str, Scalar] = {}
    for line in found:
        columns[line_column(line, "points")] = rounded(line.points, CONTRIBUTION_DECIMALS)
        parts = {"events": line.events, "oldest_s": line.oldest_s, "newest_s": line.newest_s, "place": line.place}
        columns |= {line_column(line, name): part for name, part in parts.items() if part is not None}
    return columns


def line_column(line: Line, what: str) -> str:
    """Name a column of a line in the scored table."""
    return f"{line.kind}.{line.rule_id}.{what}"


def points_of(line: Line) -> Scalar:
    """Give the stored points of a line."""
    return column(line_column(line, "points"))


def events_of(line: Line) -> Scalar:
    """Give how many events stand behind a line; 0 for what is no event rule."""
    return bigint(integer(0) if line.events is None else column(line_column(line, "events")))


def time_s(line: Line, what: str) -> Scalar:
    """Give when the oldest or newest event of a line happened, in seconds since 1970; null where there is none."""
    has = line.oldest_s if what == "oldest_s" else line.newest_s
    return (
        null("bigint")
        if has is None
        else exp.Paren(this=exp.Sub(this=column("as_of_s"), expression=column(line_column(line, what))))
    )


def label_of(line: Line) -> Scalar:
    """Give the words of a line."""
    if line.place is None:
        return raw_text(line.label)
    place = column(line_column(line, "place"))
    *first, last = line.words
    return case([(place.eq(integer(at)), raw_text(word)) for at, word in enumerate(first)], raw_text(last))


def contributions(found: Sequence[Line]) -> exp.Query:
    """Select every contribution that is not zero from the scored table, long and sparse."""
    selects = [_select(line) for line in found]
    return exp.union(*selects, distinct=False, copy=False) if len(selects) > 1 else selects[0]


def words_of(found: Sequence[Line]) -> dict[str, tuple[str, ...]]:
    """Give the values of the columns of contributions that have but few."""
    return {
        "rule_id": tuple(dict.fromkeys(line.rule_id for line in found)),
        "kind": tuple(dict.fromkeys(line.kind for line in found)),
        "label": tuple(dict.fromkeys(word for line in found for word in line.words or (line.label,))),
    }


def _select(line: Line) -> exp.Select:
    return (
        exp.select(
            column("subject_id"),
            named(raw_text(line.rule_id), "rule_id"),
            named(raw_text(line.kind), "kind"),
            named(events_of(line), "events"),
            named(time_of(time_s(line, "oldest_s")), "first_at"),
            named(time_of(time_s(line, "newest_s")), "last_at"),
            named(points_of(line), "points"),
            named(label_of(line), "label"),
        )
        .from_(table("scored"), copy=False)
        .where(exp.NEQ(this=points_of(line), expression=number(0.0)), copy=False)
    )
