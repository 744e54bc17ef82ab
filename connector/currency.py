"""Amounts in one currency: what a record holds in its own is seen in the corporate one, by the CRM's rates of now.

An amount whose currency has no rate is unknown: it can be compared with nothing. Rates of their own dates, which a
vendor may keep for deals, are not read.
"""

from typing import Final

from connector.store.lake import Lake
from connector.view import Relations, View

RATES: Final = "rates"
_AMOUNTS: Final = {"people": "revenue", "accounts": "revenue", "outcomes": "amount"}


def in_corporate_currency(view: View, found: Relations) -> Relations:
    """Convert the revenue of people and accounts."""
    return {table: converted(view.lake, table, relation) for table, relation in found.items()}


def converted(lake: Lake, table: str, relation: str) -> str:
    """Convert the amounts of one table's relation, where the CRM has several currencies."""
    amount, rates = _AMOUNTS.get(table), lake.relation(RATES)
    if amount is None or rates is None or not {amount, "currency"} <= lake.columns(table).keys():
        return relation
    value = f"CASE WHEN t.currency IS NULL THEN t.{amount} ELSE t.{amount} / r.rate END AS {amount}"
    known = (
        f"(SELECT upper(currency) AS code, max(per_corporate) AS rate FROM {rates}"  # noqa: S608 - a file list of our own making
        " WHERE per_corporate > 0 GROUP BY 1)"
    )
    return f"(SELECT t.* REPLACE ({value}) FROM {relation} AS t LEFT JOIN {known} AS r ON r.code = upper(t.currency))"  # noqa: S608 - as above
