"""Columns counted over a whole file: what part of what is watched meets a condition at once, per company and week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import as_text, blank_to_null, field_of
from mappings.conditions import matches
from mappings.feed import Feed, Share

_SEPARATOR = "\x1f"


@dataclass
class Shares:
    """Collect the pieces of a file, then give each row its shares."""

    feed: Feed
    _parts: dict[str, list[pa.Table]] = field(default_factory=dict)

    def add(self, rows: pa.Table) -> None:
        """Count a piece."""
        for share in self.feed.share:
            found = pa.table({"per": _per(share, rows), "of": _text(rows, share.of), "hit": matches(share.when, rows)})
            kept = found.group_by(["per", "of"]).aggregate([("hit", "max")])
            self._parts.setdefault(share.name, []).append(kept)

    def tables(self) -> Mapping[str, pa.Table]:
        """Give the share of every group (per, share) that was counted, by the name of the share."""
        return {share.name: _shares(share, self._parts.get(share.name, [])) for share in self.feed.share}


def with_shares(feed: Feed, rows: pa.Table, shares: Mapping[str, pa.Table]) -> pa.Table:
    """Put the shares beside rows as columns of numbers; null where a row has no group."""
    for share in feed.share:
        found = shares[share.name]
        places = pc.index_in(_per(share, rows), value_set=found["per"].combine_chunks())
        rows = rows.append_column(share.name, found["share"].combine_chunks().take(places))
    return rows


def _shares(share: Share, parts: Sequence[pa.Table]) -> pa.Table:
    if not parts:
        return pa.table({"per": pa.nulls(0, pa.string()), "share": pa.nulls(0, pa.float64())})
    every = pa.concat_tables(parts).group_by(["per", "of"]).aggregate([("hit_max", "max")])
    every = every.filter(pc.is_valid(every["of"]))
    watched = share.total or len(pc.unique(every["of"])) or 1
    every = every.filter(pc.is_valid(every["per"]))
    hits = every.append_column("n", pc.cast(every["hit_max_max"], pa.int64())).group_by("per").aggregate([("n", "sum")])
    part = pc.divide(pc.cast(hits["n_sum"], pa.float64()), float(watched))
    return pa.table({"per": hits["per"], "share": pc.min_element_wise(part, pa.scalar(1.0))})


def _per(share: Share, rows: pa.Table) -> pa.Array:
    """Give the group of each row as one text, null where a part of it is unknown."""
    return reduce(
        lambda left, right: pc.binary_join_element_wise(left, right, _SEPARATOR), (_text(rows, n) for n in share.per)
    )


def _text(rows: pa.Table, name: str) -> pa.Array:
    return pc.utf8_lower(pc.utf8_trim_whitespace(as_text(blank_to_null(field_of(rows, name)))))


__all__ = ["Shares", "with_shares"]
