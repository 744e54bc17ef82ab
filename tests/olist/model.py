"""Write a rule model from the first leads of the Olist funnel, and judge scores on the later ones.

The rules read a lead's landing page and origin only. Deals are the labels of the training part, as far as they were
known on the day of the split; no rule reads one.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tests.olist.world import Lead

SPLIT_AT = datetime(2018, 3, 1, tzinfo=UTC)
SMOOTHING = 4
POINTS_PER_LOG_ODD = 10
BOUND = 20
HOT_SHARE = 0.1
WARM_SHARE = 0.3
LANDING_PAGE = {"salesforce": "Landing_Page__c", "hubspot": "landing_page"}
PEOPLE_OBJECT = {"salesforce": "Lead", "hubspot": "contacts"}
Attribute = Literal["landing_page", "origin"]
Points = dict[Attribute, dict[str, int]]


def training(leads: Sequence[Lead]) -> list[Lead]:
    """Give the leads that rules may be written from, with the deals that were known by then."""
    return [
        lead if lead.won_at is None or lead.won_at < SPLIT_AT else replace(lead, won_at=None)
        for lead in leads
        if lead.contacted_at < SPLIT_AT
    ]


def holdout(leads: Sequence[Lead]) -> list[Lead]:
    """Give the leads that scores are judged on."""
    return [lead for lead in leads if lead.contacted_at >= SPLIT_AT]


def points_of(leads: Sequence[Lead]) -> Points:
    """Give each landing page and origin its smoothed log ratio of won to expected, in whole points."""
    rate = sum(lead.won_at is not None for lead in leads) / len(leads)
    return {
        "landing_page": ratio_points(leads, lambda lead: lead.landing_page, rate),
        "origin": ratio_points(leads, lambda lead: lead.origin, rate),
    }


def ratio_points(leads: Sequence[Lead], value_of: Callable[[Lead], str], rate: float) -> dict[str, int]:
    """Give each value its points; an unknown value gets none."""
    seen = Counter(value_of(lead) for lead in leads)
    won = Counter(value_of(lead) for lead in leads if lead.won_at)
    ratios = {value: (won[value] + SMOOTHING) / (n * rate + SMOOTHING) for value, n in seen.items() if value}
    return {value: bounded(round(POINTS_PER_LOG_ODD * math.log(ratio))) for value, ratio in ratios.items()}


def bounded(points: int) -> int:
    """Keep points within the bound."""
    return max(-BOUND, min(BOUND, points))


def total(lead: Lead, points: Points) -> int:
    """Score one lead in plain Python."""
    return points["landing_page"].get(lead.landing_page, 0) + points["origin"].get(lead.origin, 0)


def write_model(leads: Sequence[Lead], path: Path) -> None:
    """Write the model that the training part of these leads teaches."""
    train = training(leads)
    points = points_of(train)
    totals = sorted((total(lead, points) for lead in train), reverse=True)
    hot, warm = totals[int(len(totals) * HOT_SHARE)], totals[int(len(totals) * WARM_SHARE)]
    parts = [
        '[model]\nid = "olist_sellers"\n',
        "[group.page]",
        f"cap = {BOUND}\n",
        "[group.origin]",
        f"cap = {BOUND}\n",
    ]
    parts += rules("page", "landing_page", points["landing_page"])
    parts += rules("origin", "source", points["origin"])
    parts += [f'[[band]]\nid = "hot"\nat_least = {hot}\n', f'[[band]]\nid = "warm"\nat_least = {min(warm, hot - 1)}\n']
    path.write_text("\n".join([*parts, '[[band]]\nid = "cold"\n']), encoding="utf-8")


def rules(group: str, field: str, points: dict[str, int]) -> list[str]:
    """Write one rule for each number of points, over all the values that earn it; none for 0."""
    values: dict[int, list[str]] = defaultdict(list)
    for value, earned in points.items():
        values[earned].append(value)
    return [
        f'[[fit]]\nid = "{group}_{"minus" if earned < 0 else "plus"}_{abs(earned)}"\nlabel = "{group} {earned:+d}"\n'
        f'group = "{group}"\nwhen = {{ field = "{field}", in = {json.dumps(sorted(values[earned]))} }}\n'
        f"points = {earned}\n"
        for earned in sorted(values, reverse=True)
        if earned
    ]


def write_mapping(crm: str, path: Path) -> None:
    """Write a mapping that reads the landing page beside what the packaged one reads."""
    fields = f'[read.{PEOPLE_OBJECT[crm]}.fields]\nlanding_page = "{LANDING_PAGE[crm]}"\n'
    path.write_text(f'crm = "{crm}"\nextends = "{crm}"\n\n{fields}', encoding="utf-8")


def lift(scores: Sequence[float], won: Sequence[bool], share: float = 0.2) -> float:
    """Divide the win rate of the best share of scores by that of all; equal scores are drawn from in expectation."""
    room = taken = share * len(scores)
    groups: dict[float, list[bool]] = defaultdict(list)
    for score, outcome in zip(scores, won, strict=True):
        groups[score].append(outcome)
    wins = 0.0
    for score in sorted(groups, reverse=True):
        drawn = min(room, len(groups[score]))
        wins += drawn * sum(groups[score]) / len(groups[score])
        room -= drawn
    return (wins / taken) / (sum(won) / len(won))
