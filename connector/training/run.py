"""A training from facts to a verdict: target and horizon, snapshots, features, the model or why there is none."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from connector.errors import ConfigError
from connector.training.candidates import Candidates, candidates
from connector.training.facts import Facts
from connector.training.histories import Noted, note_values
from connector.training.rows import read_rows
from connector.training.rules import POINTS, note_points
from connector.training.snapshots import (
    MOST_ROWS,
    Taken,
    Target,
    begin,
    choose_horizon,
    choose_target,
    count_outcomes,
    take,
)
from scoring.explain import iso
from scoring.model import Model
from scoring.names import nearest
from scoring.predict.artefact import Feature, TableModel

if TYPE_CHECKING:
    from scoring.predict.train import Request, Trained

_EXTRA = "training needs the extra `train`: pip install 'leadlight[train]' (scoring does not need it)"


@dataclass(frozen=True)
class Asked:
    """What to train: null targets and horizons are chosen by the data; allowed are fields that a person vouches for.

    segments is a field of texts: where those of one value have enough, tables of their own are tried for them.
    increasing are numbers, fields or features, that more of is never to lower a score, decreasing never to raise it.
    """

    target: Target | None = None
    horizon_days: int | None = None
    holdout: float = 0.2
    allowed: tuple[str, ...] = ()
    most_rows: int = MOST_ROWS
    suggest: bool = False
    segments: str | None = None
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beside:
    """What a training may know besides the facts: the rules in use with the relations they score."""

    rules: Model | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The verdict as the command tells it, the model, and rules made of it (TOML); null where it was refused."""

    told: Mapping[str, Any]
    model: TableModel | None
    suggested: str | None = None


def run_training(engine: duckdb.DuckDBPyConnection, facts: Facts, asked: Asked, beside: Beside | None = None) -> Result:
    """Train on these facts; raises ConfigError where the extra is not installed."""
    beside = beside or Beside()
    try:
        from scoring.predict import train_artefact, train_segments, train_suggest
        from scoring.predict.train import Request, train
    except ImportError:
        raise ConfigError(_EXTRA) from None
    started = time.process_time()
    counts = count_outcomes(engine, facts)
    target = asked.target or choose_target(counts)
    begin(engine, facts, target)
    horizon_days = asked.horizon_days or choose_horizon(engine, facts)
    taken = take(engine, facts, horizon_days, asked.most_rows)
    noted = note_values(engine, facts)
    tried = candidates(engine, facts, noted.known, asked.allowed)
    has_points = beside.rules is not None and note_points(engine, beside.rules, beside.sources)
    rows = read_rows(engine, facts, (*tried.features, *tried.doubtful), noted.fields, POINTS if has_points else None)
    by = _segment_feature(tried, asked.segments)
    request = Request(
        horizon_days=horizon_days,
        now=facts.now - timedelta(days=1),
        holdout=asked.holdout,
        behaviours=tried.behaviours,
        changed_after=_by_feature(tried, noted),
        fields=tried.fields,
        allowed=asked.allowed,
        doubts=tried.doubts,
        monotone=_monotone(tried, asked),
    )
    trained = train(rows, request)
    known = _about(target, horizon_days, taken, tried, counts, facts)
    parts = train_segments.segmented(trained, rows, by, request) if by else None
    model = None
    if trained.published is not None:
        model = train_artefact.artefact(trained, request, tried.features, target, beside.rules, parts, about=known)
    card = train_artefact.model_card(trained)
    told = _told(trained, request, known, card, tried) | ({"segments": parts.as_dict()} if parts else {})
    suggested = None
    if model is not None and asked.suggest:
        points = train_suggest.suggest(trained, tried.features)
        suggested = train_suggest.as_toml(points, "suggested")
        told["suggested"] = {
            "criteria": len(points.criteria),
            "lift_20": points.points_lift,
            "model_lift_20": points.model_lift,
        }
    return Result({**told, "cpu_seconds": round(time.process_time() - started, 3)}, model, suggested)


def _segment_feature(tried: Candidates, field: str | None) -> Feature | None:
    """Find the feature that segments go by; raises ConfigError where there is no such field of texts."""
    if field is None:
        return None
    texts = {one.field or "": one for one in (*tried.features, *tried.doubtful) if one.role == "categorical"}
    if field not in texts:
        raise ConfigError(f"segments: '{field}' is no field of texts that can be learned from{nearest(field, texts)}")
    return texts[field]


def _monotone(tried: Candidates, asked: Asked) -> dict[str, int]:
    """Give the direction of each feature that is to have one; raises ConfigError with every name that is no number."""
    numbers = [one for one in tried.features if one.role == "numeric"]
    ids = {one.field: one.id for one in numbers if one.field is not None} | {one.id: one.id for one in numbers}
    wanted = [(name, 1) for name in asked.increasing] + [(name, -1) for name in asked.decreasing]
    problems = [
        f"increasing, decreasing: '{name}' is no number{nearest(name, ids)}" for name, _ in wanted if name not in ids
    ]
    problems += [f"'{name}' is increasing and decreasing" for name in {*asked.increasing} & {*asked.decreasing}]
    if problems:
        raise ConfigError(problems)
    return {ids[name]: sign for name, sign in wanted}


def _by_feature(tried: Candidates, noted: Noted) -> dict[str, float]:
    return {
        feature: noted.changed_after[field] for feature, field in tried.fields.items() if field in noted.changed_after
    }


def _about(
    target: str, horizon_days: int, taken: Taken, tried: Candidates, counts: Mapping[str, int], facts: Facts
) -> dict[str, Any]:
    return {
        "target": target,
        "horizon_days": horizon_days,
        "as_of": iso(facts.now),
        "snapshots": asdict(taken),
        "outcomes": dict(counts),
        "features": len(tried.features),
        "no_history": list(tried.no_history),
    }


def _told(
    trained: "Trained", request: "Request", known: Mapping[str, Any], card: Mapping[str, Any], tried: Candidates
) -> dict[str, Any]:
    """Give the verdict as contracts have it, with more beside."""
    refused = list(trained.refused)
    if not known["outcomes"].get("closed_won" if known["target"] == "expansion" else known["target"]):
        there = ", ".join(f"{n:,} {kind}" for kind, n in known["outcomes"].items()) or "none at all"
        refused.append(f"no person has an outcome {known['target']} ({there}); choose another --target or map outcomes")
    suspects = [*trained.suspects] or [*tried.refused]
    return {
        "published": trained.published is not None,
        "refused_because": refused,
        "rows": known["snapshots"]["rows"],
        "leads": trained.supply.leads,
        "conversions": trained.supply.converted,
        "confidence": card["confidence"],
        "target": known["target"],
        "horizon_days": request.horizon_days,
        "as_of": known["as_of"],
        "immature_rows": known["snapshots"]["immature"],
        "window": card["window"],
        "holdout_from": card["holdout_from"],
        "method": card["method"],
        "holdout": card["holdout"],
        "challenger": card["challenger"],
        "rules": card["rules"],
        "cv_auc": card["cv_auc"],
        "blocked_features": [
            {"name": tried.fields.get(one.name, one.name), "why": one.why, "action": one.action} for one in suspects
        ],
        "auc_without_blocked": card["auc_without_refused"],
        "auc_with_blocked": card["auc_with_refused"],
        "no_history": known["no_history"],
        "warnings": card["warnings"],
    }
