"""Whose a row is: person and account ids beside it, one row per person where there are several."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import first_of_list
from mappings.sources import links
from mappings.spec import Source


def link(frame: pa.Table, rows: pa.Table, person: Sequence[Source], account: Sequence[Source], key: str) -> pa.Table:
    """Add person_id and account_id to a frame that has one row per CRM row; rows with neither are left out.

    A list of people gives one row each, whose key column ends in `:person_id` if there are several; accounts likewise
    where nobody is known. Beside a person the first account rides along.
    """
    people = links(person, rows) if person else pa.nulls(rows.num_rows, pa.string())
    accounts = links(account, rows) if account else pa.nulls(rows.num_rows, pa.string())
    frame = frame.append_column("account_id", accounts)
    frame = _one_row_each(frame.append_column("person_id", people), "person_id", key)
    if pa.types.is_list(accounts.type):
        frame = _settle_accounts(frame, key)
    known = pc.or_(pc.is_valid(frame["person_id"]), pc.is_valid(frame["account_id"]))
    return frame if pc.all(known).as_py() else frame.filter(known)


def _settle_accounts(frame: pa.Table, key: str) -> pa.Table:
    """Keep the first account beside a person, and every account where there is none."""
    alone = pc.is_null(frame["person_id"])
    held = frame.filter(pc.invert(alone))
    firsts = first_of_list(held["account_id"].combine_chunks())
    held = held.set_column(held.column_names.index("account_id"), "account_id", firsts)
    return pa.concat_tables([held, _one_row_each(frame.filter(alone), "account_id", key)])


def _one_row_each(frame: pa.Table, column: str, key: str) -> pa.Table:
    """Spread a list column over rows; an unknown list keeps its row with null."""
    lists = frame[column].combine_chunks()
    if not pa.types.is_list(lists.type):
        return frame
    lists = lists if isinstance(lists, pa.Array) else pa.concat_arrays(lists.chunks or [pa.nulls(0, lists.type)])
    counts = pc.fill_null(pc.list_value_length(lists), 0)
    empty = pc.indices_nonzero(pc.equal(counts, 0)).cast(pa.int64())
    places = pa.concat_arrays([pc.list_parent_indices(lists).cast(pa.int64()), empty])
    ids = pa.concat_arrays([pc.list_flatten(lists), pa.nulls(len(empty), pa.string())])
    order = pc.array_sort_indices(places)
    places, ids = places.take(order), ids.take(order)
    spread = frame.take(places)
    several = pc.greater(counts.take(places), 1)
    suffixed = pc.binary_join_element_wise(spread[key], ids, ":")
    keys = pc.if_else(several, suffixed, spread[key])
    spread = spread.set_column(spread.column_names.index(key), key, keys)
    return spread.set_column(spread.column_names.index(column), column, ids)


__all__ = ["link"]
