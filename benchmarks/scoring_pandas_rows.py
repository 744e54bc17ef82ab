"""The rest of the benchmark's model in pandas: the rows that explain the totals, and the short reasons.

Written as one would in pandas, column by column; the benchmark holds the rows against the product's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_POSITIVE, MOST_NEGATIVE = 3, 2
LEAST_TOLD = 0.05
NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Part:
    """Hold what one rule or correction gave: points by position, and the ages of the events behind it, if any."""

    rule_id: str
    kind: str
    label: str
    points: Any
    ages: Any = None


def write_rows(model: Any, parts: Iterable[Part], totals: Any, folder: Path) -> None:  # noqa: ANN401 - pandas is not there to be named
    """Write `pandas_contributions.parquet` and `pandas_scores.parquet` (subject_id, total, reasons)."""
    rows = model.pd.concat([_rows(model, part) for part in parts], ignore_index=True)
    told = _reasons(model, rows)
    ids = model.people["person_id"]
    scores = model.pd.DataFrame({"subject_id": ids, "total": totals, "reasons": told.reindex(ids.index).fillna("")})
    scores.to_parquet(folder / "pandas_scores.parquet", compression="zstd", index=False)
    rows.insert(0, "subject_id", ids.take(rows["position"]).array)
    kept = ["subject_id", "rule_id", "kind", "events", "first_at", "last_at", "points", "label"]
    rows[kept].to_parquet(folder / "pandas_contributions.parquet", compression="zstd", index=False)


def _rows(model: Any, part: Part) -> Any:  # noqa: ANN401 - as above
    points = part.points[part.points != 0.0]
    rows = model.pd.DataFrame({"position": points.index, "points": points.array})
    for name in ("rule_id", "kind", "label"):
        rows[name] = model.pd.Categorical([getattr(part, name)] * len(rows)).astype(str)
    tallies = None if part.ages is None else part.ages.groupby("position")["age_s"].agg(["count", "min", "max"])
    if tallies is None:
        never = model.pd.NaT
        return rows.assign(events=0, first_at=never, last_at=never)
    tallies = tallies.reindex(points.index)
    rows["events"] = tallies["count"].fillna(0).astype("int64").array
    for name, age in (("first_at", "max"), ("last_at", "min")):
        rows[name] = model.pd.to_datetime((model.as_of_s - tallies[age]) * NS_PER_S).array
    return rows


def _reasons(model: Any, rows: Any) -> Any:  # noqa: ANN401 - as above
    """Give the text of each position: the largest three and the smallest two, ties by rule id."""
    told = rows[rows["points"].abs() >= LEAST_TOLD]
    best = told[told["points"] > 0].sort_values(["position", "points", "rule_id"], ascending=[True, False, True])
    worst = told[told["points"] < 0].sort_values(["position", "points", "rule_id"])
    chosen = model.pd.concat(
        [best.groupby("position").head(MOST_POSITIVE), worst.groupby("position").head(MOST_NEGATIVE)]
    )
    sign = chosen["points"].map(lambda value: "+" if value > 0 else "-")
    size = (chosen["points"].abs() * 10 + 0.5).astype("int64") / 10
    number = size.map(lambda value: f"{value:g}")
    times = chosen["events"].map(lambda count: f" ×{count}" if count > 1 else "")
    last = chosen["last_at"].dt.strftime(" (last %-d %b)").fillna("")
    texts = sign + number + " " + chosen["label"] + times + last
    return texts.groupby(chosen["position"]).agg("; ".join)


def corrections(sums: Mapping[str, tuple[Any, Any]], state: Any, scaled: Any, combined: Any, lost: Any) -> list[Part]:  # noqa: ANN401 - as above
    """Give the parts that no rule has: bounds of groups, inactivity, the scale and the state."""
    found = [Part(name, "group_clamp", f"{name} limit", after - before) for name, (before, after) in sums.items()]
    return [
        *found,
        Part("inactivity", "inactivity", "inactivity", lost),
        Part("scale", "scale_clamp", "scale limit", scaled - combined),
        Part("state", "state", "state", state - scaled),
    ]
