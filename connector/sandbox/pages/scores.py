"""Find what our models wrote on a record, by the names of its fields alone.

Names are Leadlight_Score__c and leadlight_score, or with a model's own name between (Leadlight_Expansion_Score__c).
"""

import re
from collections.abc import Iterable
from datetime import datetime

from connector.sandbox.pages.view import Reason, Row, Score
from connector.sandbox.pages.words import moment, number

PARTS = ("score", "fit", "engagement", "band", "priority", "why", "model", "scored_at")
OURS = re.compile(rf"leadlight_(?:(?P<name>\w+?)_)?(?P<part>{'|'.join(PARTS)})(?:__c)?", re.IGNORECASE)
KEY = re.compile(r".*leadlight_key.*", re.IGNORECASE)
REASON = re.compile(r"(?P<points>[+\-−]?\d+(?:\.\d+)?)\s+(?P<text>.+)")
PRIMARY = ""


def score_columns(columns: Iterable[str]) -> dict[str, dict[str, str]]:
    """Group an object's columns that are ours: by model name (empty for the primary one), then by part."""
    found: dict[str, dict[str, str]] = {}
    for column in columns:
        matched = OURS.fullmatch(column)
        if matched:
            found.setdefault((matched["name"] or PRIMARY).lower(), {})[matched["part"].lower()] = column
    return {name: found[name] for name in sorted(found)}


def scores_of(row: Row) -> tuple[Score, ...]:
    """Show what each model wrote on a record, the primary one first; a model that wrote nothing is left out."""
    told = [score(name, row, parts) for name, parts in score_columns(row.keys()).items()]
    return tuple(each for each in told if each.value or each.band)


def score(name: str, row: Row, parts: dict[str, str]) -> Score:
    """Show one model's fields."""
    texts = {part: str(row[column]) if row[column] not in (None, "") else "" for part, column in parts.items()}
    value = number(texts.get("score", ""))
    model, _, version = texts.get("model", "").partition("@")
    title = name.replace("_", " ").capitalize()
    return Score(
        name=title,
        value=value,
        share=share(texts.get("score", "")),
        band=texts.get("band", ""),
        priority=number(texts.get("priority", "")),
        fit=texts.get("fit", ""),
        engagement=texts.get("engagement", ""),
        reasons=reasons(texts.get("why", "")),
        model=f"{model} ({version[:7]})" if version else model,
        scored_at=scored_at(texts.get("scored_at", "")),
    )


def share(text: str) -> float:
    """Give a score's share of a hundred, within 0..1."""
    try:
        return min(max(float(text) / 100, 0.0), 1.0)
    except ValueError:
        return 0.0


def scored_at(text: str) -> datetime | None:
    """Read when a record was scored."""
    return moment(text) if text else None


def reasons(text: str) -> tuple[Reason, ...]:
    """Take reasons apart as they are written: points and words, joined by semicolons."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        matched = REASON.fullmatch(part)
        found.append(Reason(matched["points"], matched["text"]) if matched else Reason("", part))
    return tuple(found)


def is_ours(row: Row) -> bool:
    """Tell whether a task carries our key."""
    return any(KEY.fullmatch(name) and row[name] for name in row.keys())  # noqa: SIM118 - sqlite3.Row iterates values
