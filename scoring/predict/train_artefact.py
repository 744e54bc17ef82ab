"""A trained model as the file that scores: tables with what each bin was learned from, and the card for people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import JsonValue

from scoring.model import Model
from scoring.predict.artefact import Bin, Feature, RulesLink, SegmentTables, TableModel, Term, versioned
from scoring.predict.gate import confidence
from scoring.predict.rules_alone import rules_hash
from scoring.predict.train import Judged, Request, Trained
from scoring.predict.train_calibrate import Line
from scoring.predict.train_matrix import Rows
from scoring.predict.train_reference import reference
from scoring.predict.train_segments import Segmented, SegmentTrained
from scoring.predict.train_tables import Table, TextTable, counts_of

_NO_VERSION: Final = "0" * 12


def artefact(
    trained: Trained,
    request: Request,
    features: Sequence[Feature],
    target: str,
    rules: Model | None = None,
    segments: Segmented | None = None,
    **card: JsonValue,
) -> TableModel:
    """Give the model that was published; raises ValueError where it was refused.

    `rules` are those that gave the points, `segments` may have tables of their own, `card` is added to its card.
    """
    if trained.published is None or trained.rows is None:
        raise ValueError("a refused model has no tables")
    tables, rows = trained.published.tables, trained.rows
    newest_s = trained.split.at_s if trained.split else 0.0
    log_odds = segments.log_odds(trained.published, rows) if segments else None
    told = {"reference": reference(trained.published, rows, newest_s, log_odds), **card}
    own = tuple(_segment(one, features, rows) for one in segments.own) if segments else ()
    return versioned(
        TableModel(
            schema=2 if own else 1,
            version=_NO_VERSION,
            target=target,
            horizon_days=request.horizon_days,
            trained_at=_utc(request.now),
            as_of=_utc(request.now),
            n_rows=len(rows),
            n_conversions=trained.supply.converted,
            intercept=trained.published.intercept,
            terms=_terms(features, tables, rows),
            lo=trained.lo,
            hi=trained.hi,
            rules=_link(trained.link, rules) if trained.link else None,
            segment=segments.feature if segments and own else None,
            segments=own,
            card={**model_card(trained), **told, **({"segments": segments.as_dict()} if segments else {})},
        )
    )


def _terms(features: Sequence[Feature], tables: Mapping[str, Table], rows: Rows) -> tuple[Term, ...]:
    return tuple(_term(feature, tables[feature.id], rows) for feature in features if feature.id in tables)


def _segment(one: SegmentTrained, features: Sequence[Feature], rows: Rows) -> SegmentTables:
    if one.tables is None or one.inside is None:
        raise ValueError("a segment without tables of its own")
    theirs = rows.take(one.inside)
    return SegmentTables(
        id=one.id,
        n_rows=len(theirs),
        n_conversions=one.supply.converted,
        intercept=one.tables.intercept,
        terms=_terms(features, one.tables.tables, theirs),
    )


def _link(line: Line, rules: Model | None) -> RulesLink:
    of = {"model_id": rules.id, "rules_hash": rules_hash(rules.spec)} if rules else {}
    return RulesLink(alpha=line.offset, beta=line.slope, **of)


def model_card(trained: Trained) -> dict[str, JsonValue]:
    """Give what a person wants to know before trusting a model."""
    split, rows = trained.split, trained.rows
    card: dict[str, Any] = {
        "method": trained.best.kind if trained.best else None,
        "leads": trained.supply.leads,
        "converted": trained.supply.converted,
        "confidence": confidence(trained.supply),
        "window": [_at(float(rows.as_of_s.min())), _at(float(rows.as_of_s.max()))] if rows is not None else None,
        "holdout_from": _at(split.at_s) if split else None,
        "trained_before": len(split.train) if split else 0,
        "holdout": holdout_figures(trained.best),
        "challenger": holdout_figures(trained.challenger),
        "rules": trained.rules.as_dict() if trained.rules else {},
        "cv_auc": None if trained.cv_auc is None else round(trained.cv_auc, 6),
        "slope": trained.slope,
        "monotone": dict(rows.monotone) if rows is not None else {},
        "reliability": [asdict(one) for one in trained.curve],
        "refused_features": [asdict(one) for one in trained.suspects],
        "auc_without_refused": None if trained.honest_auc is None else round(trained.honest_auc, 6),
        "auc_with_refused": None if trained.leaky_auc is None else round(trained.leaky_auc, 6),
        "warnings": list(trained.warnings),
    }
    return card


def holdout_figures(judged: Judged | None) -> dict[str, Any]:
    """Give the figures of the holdout, and what calibration would be without the intercept's re-fit; empty if none."""
    if judged is None:
        return {}
    before = judged.as_trained
    return {
        "method": judged.kind,
        **judged.refitted.as_dict(),
        "log_loss_before_refit": round(before.log_loss, 6),
        "ece_before_refit": round(before.ece, 6),
    }


def _term(feature: Feature, table: Table, rows: Rows) -> Term:
    n, won = counts_of(table, rows, feature.id)
    if isinstance(table, TextTable):
        # The file has the unknown first; tables have it last.
        values, order = (table.missing, *table.values, table.other), [len(n) - 1, *range(len(n) - 1)]
        bins = tuple(
            Bin(log_odds=value, n=n[place], n_converted=won[place]) for value, place in zip(values, order, strict=True)
        )
        return Term(feature=feature, levels=table.levels, bins=bins)
    bins = tuple(Bin(log_odds=value, n=n[place], n_converted=won[place]) for place, value in enumerate(table.values))
    return Term(feature=feature, cuts=table.cuts, bins=bins)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at(seconds: float) -> str:
    return _utc(datetime.fromtimestamp(seconds, UTC))
