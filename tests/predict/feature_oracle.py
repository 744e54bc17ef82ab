"""An independent reading of features in plain Python: one snapshot at a time, no SQL, nothing of the engine."""

import math
from typing import Any

from tests.scoring.oracle_values import known, second, text

Row = dict[str, Any]
DAY = 86400


def features_at(features: list[Row], subject: Row, account: Row, events: list[Row], as_of_s: int) -> dict[str, Any]:
    """Give every feature of one subject, from its own events, as it was known before a second."""
    before = [event for event in events if event.get("is_bot") is not True and second(event["occurred_at"]) < as_of_s]
    return {feature["id"]: _one(feature, subject, account, before, as_of_s) for feature in features}


def _one(feature: Row, person: Row, account: Row, events: list[Row], as_of_s: int) -> Any:  # noqa: ANN401 - of any type
    kind = feature["kind"]
    if kind == "attribute":
        return _attribute(_field(feature["field"], person, account))
    if kind == "tenure_days":
        since = known(person.get(feature.get("field", "created_at")))
        return None if since is None or second(since) > as_of_s else (as_of_s - second(since)) / DAY
    ages = [as_of_s - second(event["occurred_at"]) for event in events if _matches(feature, event)]
    ages = [age for age in ages if age < feature.get("within_days", math.inf) * DAY]
    match kind:
        case "count":
            return float(len(ages))
        case "recency_days":
            return min(ages) / DAY if ages else None
        case "decayed":
            return math.fsum(0.5 ** (age / DAY / feature.get("half_life_days", 30)) for age in ages)
        case _:
            return float(len({(as_of_s - age) // DAY for age in ages}))


def _matches(feature: Row, event: Row) -> bool:
    types = feature.get("event")
    if types is not None and event["type"] not in ([types] if isinstance(types, str) else types):
        return False
    where = feature.get("where")
    if where is None:
        return True
    name = where["field"]
    raw = (event.get("props") or {}).get(name[6:]) if name.startswith("props.") else event.get(name)
    value = known(raw)
    if "contains" in where:
        return value is not None and text(where["contains"]) in text(str(value))
    if "is" in where:
        return value is not None and text(str(value)) == text(where["is"])
    return value is not None and float(value) >= where["gte"]


def _field(name: str, person: Row, account: Row) -> Any:  # noqa: ANN401 - as above
    if name == "email_domain":
        email = known(person.get("email"))
        return known(email.rpartition("@")[2]) if email is not None and "@" in email else None
    if not name.startswith("account."):
        return known(person.get(name))
    own = known(account.get(name[8:]))
    return own if own is not None else known(person.get(name[8:]))


def _attribute(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return float(value)
    return None if value is None else text(value)
