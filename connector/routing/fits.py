"""Where the rules that fit people stand, once `matching` has found them, and who owns whom meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Final

from connector.engine.relations import literal
from connector.models import Line
from connector.store.lake import Lake

FITS: Final = "routing_fits"


def places_of(row: Mapping[str, object], line: Line) -> Sequence[int]:
    """Read the rules that fit a person by one model's segments from a row of the table FITS."""
    found = row.get(places_name(line))
    return found if isinstance(found, list) else ()


def places_name(line: Line) -> str:
    """Name the column of the rules that fit by one model's segments."""
    return f"places:{line.model.id}"


def current_owners(lake: Lake, owner_field: str, mirror: str) -> str:
    """Write the relation (record_id, owner_id) of who owns each person now, our own unseen writes included.

    Needs the relation `written` in the session.
    """
    path = literal(f'$."{owner_field}"')
    unseen = f"(m.modified_at IS NULL OR m.modified_at < w.written_at) AND json_exists(w.fields_json, {path})"
    return f"""(SELECT m.record_id, CASE WHEN {unseen} THEN json_extract_string(w.fields_json, {path})
                ELSE m.owner_id END AS owner_id
                FROM {lake.relation(mirror)} m LEFT JOIN written w ON w.object = m.object AND w.record_id = m.record_id
                WHERE m.role = 'person')"""  # noqa: S608 - file lists of our own making
