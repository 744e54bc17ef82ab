"""Who had a part in a deal: their role as a fact about them, and the deal's outcomes as theirs."""

from typing import Final

from connector.currency import converted
from connector.store.lake import Lake
from connector.successors import follow
from connector.view import Relations, View

CREDITS: Final = "credits"
ROLE: Final = "buying_role"


def in_role(view: View, found: Relations) -> Relations:
    """Let people whose buying_role nobody filled in have the role of their newest deal as of the instant."""
    raw = view.lake.relation(CREDITS)
    if raw is None or "people" not in found or not {"role", "created_at"} <= view.lake.columns(CREDITS).keys():
        return found
    known = f"role IS NOT NULL AND epoch(created_at) <= {int(view.as_of.timestamp())}"
    theirs = follow(view.lake, raw, ["person_id"])
    newest = (
        f"(SELECT person_id, arg_max(role, (created_at, credit_id)) AS role FROM {theirs}"  # noqa: S608 - file lists and names of our own
        f" WHERE {known} GROUP BY person_id)"
    )
    own = ROLE in view.lake.columns("people")
    column = f"p.* REPLACE (COALESCE(p.{ROLE}, c.role) AS {ROLE})" if own else f"p.*, c.role AS {ROLE}"
    joined = f"(SELECT {column} FROM {found['people']} AS p LEFT JOIN {newest} AS c USING (person_id))"  # noqa: S608 - as above
    return {**found, "people": joined}


def outcomes(lake: Lake) -> str | None:
    """Give the relation of outcomes with those of deals credited to all who had a part in them; null without any.

    Amounts are in the corporate currency. Each of them has a row of their own, whose outcome_id ends in `:PERSON_ID`;
    the amount stands with the primary one alone, so that sums stay true. Who is named by the deal itself and by no
    credit keeps the row and the amount.
    """
    raw = lake.relation("outcomes")
    if raw is None:
        return None
    columns = lake.columns("outcomes")
    told = follow(lake, raw, [name for name in ("person_id", "account_id") if name in columns])
    told = converted(lake, "outcomes", told)
    credited = lake.relation(CREDITS)
    if credited is None:
        return told
    have = lake.columns(CREDITS)
    order = ", ".join([*(["is_primary DESC NULLS LAST"] if "is_primary" in have else []), "credit_id"])
    person = "person_id" if "person_id" in columns else "NULL::VARCHAR AS person_id"
    amount = ", amount" if "amount" in columns else ""
    first = ", CASE WHEN c.place = 1 AND o.person_id IS NULL THEN o.amount END AS amount" if amount else ""
    rest = ", ".join(name for name in columns if name not in ("outcome_id", "person_id", "amount"))
    parts = (
        f"(SELECT *, row_number() OVER (PARTITION BY deal_id ORDER BY {order}) AS place FROM"  # noqa: S608 - as above
        f" {follow(lake, credited, ['person_id'])} QUALIFY row_number() OVER (PARTITION BY deal_id, person_id"
        f" ORDER BY {order}) = 1)"
    )
    deal = "array_to_string(string_split(outcome_id, ':')[:-2], ':')"
    kept = f"SELECT outcome_id, {person}{amount}, {rest} FROM {told}"  # noqa: S608 - as above
    rows = f"(SELECT *, {deal} AS deal_id FROM ({kept}))"  # noqa: S608 - as above
    nobody = f"deal_id NOT IN (SELECT deal_id FROM {parts})"  # noqa: S608 - as above
    alone = f"SELECT * EXCLUDE (deal_id) FROM {rows} AS o WHERE person_id IS NOT NULL OR {nobody}"  # noqa: S608 - as above
    shared = (
        f"SELECT o.outcome_id || ':' || c.person_id AS outcome_id, c.person_id{first}, {rest} FROM {rows} AS o"  # noqa: S608 - as above
        f" JOIN {parts} AS c USING (deal_id) WHERE o.person_id IS DISTINCT FROM c.person_id"
    )
    return f"({alone} UNION ALL BY NAME {shared})"
