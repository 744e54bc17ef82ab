"""A whole model file, as it says it: its tables side by side."""

from typing import Literal, TypeVar

from scoring.conditions import Condition
from scoring.examples import Example
from scoring.quality import NeedsQuality
from scoring.rules import (
    AnyDecay,
    Band,
    Combine,
    DecayRule,
    EngagementRule,
    FitRule,
    Grade,
    Group,
    Inactivity,
    MultiplyRule,
    Override,
    Scale,
    Suppress,
)
from scoring.segment_rules import Breadth, Coverage, Pillar, Rollup, Segment
from scoring.values import Frozen, Identifier, Text

_Rule = TypeVar("_Rule", FitRule, EngagementRule)


class Header(Frozen):
    """The `[model]` table."""

    id: Identifier
    label: Text | None = None
    subject: Literal["person", "account"] = "person"
    scale: Scale = Scale()
    audience: Condition | None = None


class DecayDefault(Frozen):
    """The `[decay]` table: the decay of engagement rules that name none."""

    default: AnyDecay = DecayRule()


class CustomEvents(Frozen):
    """The `[events]` table: event types beside the canonical ones."""

    custom: tuple[Text, ...] = ()


class Specification(Frozen):
    """A whole model file, as it says it."""

    model: Header
    fit: tuple[FitRule, ...] = ()
    engagement: tuple[EngagementRule, ...] = ()
    multiply: tuple[MultiplyRule, ...] = ()
    group: tuple[Group, ...] = ()
    inactivity: Inactivity | None = None
    suppress: Suppress | None = None
    segment: tuple[Segment, ...] = ()
    pillar: tuple[Pillar, ...] = ()
    rollup: Rollup | None = None
    breadth: Breadth | None = None
    coverage: Coverage | None = None
    combine: Combine = Combine()
    override: tuple[Override, ...] = ()
    grade: Grade = Grade()
    band: tuple[Band, ...] = (
        Band(id="hot", at_least=70.0, release_below=60.0),
        Band(id="warm", at_least=40.0),
        Band(id="cold"),
    )
    decay: DecayDefault = DecayDefault()
    events: CustomEvents = CustomEvents()
    needs_quality: NeedsQuality | None = None
    test: tuple[Example, ...] = ()


def conditions(specification: Specification) -> tuple[Condition, ...]:
    """Give every condition on the subject: all but the `where` of events."""
    found = [specification.model.audience, *(rule.when for rule in specification.fit)]
    found.append(specification.suppress.when if specification.suppress else None)
    found += [segment.when for segment in specification.segment]
    found += [override.when for override in specification.override]
    found += [band.needs.when for _, band in every_band(specification) if band.needs]
    return tuple(condition for condition in found if condition is not None)


def every_band(specification: Specification) -> tuple[tuple[str | None, Band], ...]:
    """Give every band with the id of the segment that it belongs to; null for the model's own."""
    own = [(None, band) for band in specification.band]
    return (*own, *((segment.id, band) for segment in specification.segment for band in segment.band))


def event_rules(specification: Specification) -> tuple[EngagementRule | MultiplyRule, ...]:
    """Give every rule that reads events."""
    return (*specification.engagement, *specification.multiply)


def event_conditions(specification: Specification) -> tuple[Condition, ...]:
    """Give every `where`, a condition on an event."""
    return tuple(rule.where for rule in event_rules(specification) if rule.where is not None)


def of_segment(specification: Specification, segment: Segment) -> Specification:
    """Give a model as it is for a segment: the segment's numbers and bands in the place of the model's."""
    caps = dict(segment.caps)
    return specification.model_copy(
        update={
            "fit": _with_points(specification.fit, segment),
            "engagement": _with_points(specification.engagement, segment),
            "group": tuple(
                group.model_copy(update={"cap": caps[group.id]}) if group.id in caps else group
                for group in specification.group
            ),
            "breadth": segment.breadth or specification.breadth,
            "coverage": segment.coverage or specification.coverage,
            "band": segment.band or specification.band,
            "segment": (),
        }
    )


def _with_points(rules: tuple[_Rule, ...], segment: Segment) -> tuple[_Rule, ...]:
    points = dict(segment.points)
    return tuple(rule.model_copy(update={"points": points[rule.id]}) if rule.id in points else rule for rule in rules)


def band_tables(specification: Specification) -> tuple[tuple[str | None, tuple[Specification, ...]], ...]:
    """Give every table of bands: the segment that has it, null for the model's own, and the model as those are scored.

    The model's own bands are those of everybody outside the segments, and of segments without bands.
    """
    plain = (specification, *(of_segment(specification, one) for one in specification.segment if not one.band))
    own = [(one.id, (of_segment(specification, one),)) for one in specification.segment if one.band]
    return ((None, plain), *own)


def has_third_party(specification: Specification) -> bool:
    """Say whether some engagement rule is a third party's."""
    return any(rule.third_party for rule in specification.engagement)
