"""The last pass: a letter for each axis and a band for the total, with hysteresis."""

from collections.abc import Sequence

from sqlglot import exp

from scoring.columns import FIRST_PARTY, when_column
from scoring.combine import DISQUALIFIED, SUPPRESSED
from scoring.expressions import Scalar, case, column, every, null, number, raw_text
from scoring.model import Model
from scoring.predict.blend import MODEL_BAND, MODEL_TOTAL, results
from scoring.rules import Band, GradeAxis
from scoring.schema import DECIMALS
from scoring.segments import by_segment
from scoring.specification import has_third_party


def band_columns(model: Model) -> dict[str, Scalar]:
    """Give `band`, `fit_grade` and `engagement_grade`, and the band that a trained model in the shadow would choose.

    The latter knows no band before it: the one that somebody is in was chosen by the rules.
    """
    beside = {MODEL_BAND: _band(model, MODEL_TOTAL)} if MODEL_BAND in results(model) else {}
    return {
        **beside,
        "band": _band(model, "total"),
        "fit_grade": _grade(model.spec.grade.fit, column("fit")),
        "engagement_grade": _grade(model.spec.grade.engagement, column("engagement")),
    }


def threshold(value: float) -> Scalar:
    """Write a threshold at the precision at which totals are kept."""
    return number(round(value, DECIMALS))


def _band(model: Model, of: str) -> Scalar:
    without = column("state").isin(raw_text(SUPPRESSED), raw_text(DISQUALIFIED))
    branches: list[tuple[Scalar, Scalar]] = [(without, null("text"))]
    own = [(segment.id, _first(model, segment.id, segment.band, of)) for segment in model.spec.segment if segment.band]
    return case(branches, by_segment(_first(model, None, model.spec.band, of), own))


def _first(model: Model, segment: str | None, bands: Sequence[Band], of: str) -> Scalar:
    return case([(_in_band(model, segment, band, of), raw_text(band.id)) for band in bands], null("text"))


def _in_band(model: Model, segment: str | None, band: Band, of: str) -> Scalar:
    entered = every(_entry_terms(model, segment, band, of))
    if band.release_below is None or of == MODEL_TOTAL:
        return entered
    stays = exp.and_(column("previous_band").eq(raw_text(band.id)), column(of) >= threshold(band.release_below))
    return exp.or_(entered, stays)


def _entry_terms(model: Model, segment: str | None, band: Band, of: str) -> list[Scalar]:
    terms: list[Scalar] = []
    if band.at_least is not None:
        terms.append(column(of) >= threshold(band.at_least))
    if band.above is not None:
        terms.append(column(of) > threshold(band.above))
    if band.needs is None:
        return terms
    if band.needs.fit_at_least is not None:
        terms.append(column("fit") >= threshold(band.needs.fit_at_least))
    if band.needs.engagement_at_least is not None:
        counted = FIRST_PARTY if has_third_party(model.spec) and not band.third_party else "engagement"
        terms.append(column(counted) >= threshold(band.needs.engagement_at_least))
    if band.needs.when is not None:
        terms.append(column(when_column(segment, band.id)))
    return terms


def _grade(axis: GradeAxis | None, value: Scalar) -> Scalar:
    if axis is None:
        return null("text")
    otherwise = null("text") if axis.otherwise is None else raw_text(axis.otherwise)
    branches = [(value.copy() >= threshold(edge), raw_text(letter)) for letter, edge in axis.edges]
    return case(branches, otherwise) if branches else otherwise
