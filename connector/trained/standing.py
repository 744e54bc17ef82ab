"""How trained models stand: told by `status`, `explain` and the list of versions."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.models import Models
from connector.store import versions
from connector.store.versions import Version
from scoring.model import Model
from scoring.predict.findings import of_other_rules

FIGURES: Final = ("auc_same_age", "lift_20", "log_loss", "base_log_loss", "n", "conversions")
_DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class Standing:
    """Tell how one model stands: the version in its file, what the store knows of it, and what waits.

    noted is null where that file has scored nothing yet; candidate where nothing waits. why says why that one was not
    put in use by itself.
    """

    model: Model
    noted: Version | None
    candidate: Version | None
    asked_at: datetime
    why: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give it as the command line's JSON has it; null for a version that there is none of."""
        table = self.model.table
        return {
            "model": self.model.id,
            "version": table.version if table else None,
            "in_use_since": self.noted.in_use_at if self.noted else None,
            "in_use_by": self.noted.in_use_by if self.noted else None,
            "age_days": age_days(self.noted, self.asked_at),
            "holdout": dict(self.noted.figures) if self.noted else {},
            "candidate": version_row(self.candidate) if self.candidate else None,
            "waits_because": list(self.why),
            "warnings": list(self.warnings()),
        }

    def warnings(self) -> Iterator[str]:
        """Say what is wrong with the version in use."""
        table = self.model.table
        if table is not None and table.rules is not None and self.model.spec.combine.blends:
            other = of_other_rules(self.model, table.rules)
            if other is not None:
                yield f"model {self.model.id}: {other}"

    def lines(self) -> Iterator[str]:
        """Tell it to people."""
        table = self.model.table
        if table is not None:
            yield f"trained model of {self.model.id}: version {table.version}, {self._since()}"
        if self.candidate is not None:
            why = f", for {'; '.join(self.why)}" if self.why else ""
            yield f"  waits: {told(self.candidate)}{why}: leadlight model use {self.candidate.version}"
        yield from (f"warning: {text}" for text in self.warnings())

    def _since(self) -> str:
        if self.noted is None or self.noted.in_use_at is None:
            return "not scored with yet"
        days = age_days(self.noted, self.asked_at)
        age = f", trained on facts of {days} days ago" if days is not None else ""
        return f"in use since {self.noted.in_use_at:%d %b %Y} by {self.noted.in_use_by}{age}{_figures(self.noted)}"


def standings(state: sqlite3.Connection, models: Models, asked_at: datetime) -> list[Standing]:
    """Say how each model stands that has a trained one, or for which one waits."""
    found = []
    for model in models.known():
        noted = versions.get(state, model.id, model.table.version) if model.table else None
        waiting = versions.candidate(state, model.id)
        if model.table is not None or waiting is not None:
            why = versions.waits_because(state, model.id, waiting.version) if waiting else ()
            found.append(Standing(model, noted, waiting, asked_at, why))
    return found


def scored_by(state: sqlite3.Connection, model: Model) -> dict[str, Any] | None:
    """Tell by which version a model scores, and since when; null for rules alone."""
    table = model.table
    if table is None:
        return None
    noted = versions.get(state, model.id, table.version)
    since = noted.in_use_at if noted and noted.state == "in_use" else None
    words = f"trained model: version {table.version}, {table.target} within {table.horizon_days} days"
    words += f", in use since {since:%d %b %Y} by {noted.in_use_by}" if since and noted else ", not in use before"
    return {"version": table.version, "in_use_since": since, "words": words}


def age_days(version: Version | None, at: datetime) -> int | None:
    """Give the whole days between the newest facts that a version knows and a time; null where it does not say."""
    if version is None or version.as_of is None:
        return None
    return int((at - version.as_of).total_seconds() // _DAY_S)


def told(version: Version) -> str:
    """Tell a version in half a line."""
    return f"version {version.version} of {version.made_at:%d %b %Y}{_figures(version)}"


def version_row(version: Version) -> dict[str, Any]:
    """Give a version as the command line's JSON has it."""
    return {
        "version": version.version,
        "state": version.state,
        "made_at": version.made_at,
        "made_by": version.made_by,
        "in_use_at": version.in_use_at,
        "in_use_by": version.in_use_by,
        "as_of": version.as_of,
        "target": version.told.get("target"),
        "horizon_days": version.told.get("horizon_days"),
        "method": version.card.get("method"),
        "n_rows": version.told.get("n_rows"),
        "n_conversions": version.told.get("n_conversions"),
        "holdout": {name: version.figures.get(name) for name in FIGURES},
    }


def _figures(version: Version) -> str:
    auc, lift = (version.figures.get(name) for name in ("auc_same_age", "lift_20"))
    parts = [f"AUC {auc:.3f}"] if isinstance(auc, float) else []
    parts += [f"best fifth {lift:.2f} times as often"] if isinstance(lift, float) else []
    return f" ({', '.join(parts)})" if parts else ""
