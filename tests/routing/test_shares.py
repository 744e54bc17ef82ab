"""A word where too much falls to one rule, or to none."""

from connector.routing.decide import NO_RULE
from connector.routing.shares import share_warnings, watched_shares
from connector.settings.routing import RouteSettings


def test_the_rule_for_everybody_else_is_watched_unless_told_otherwise() -> None:
    said: list[dict[str, object]] = [{"id": "a", "band": "hot"}, {"id": "b", "warn_share": 0.5}, {"id": "c"}]
    rules = [RouteSettings.model_validate({**each, "to": {"queue": "Inbound"}}) for each in said]
    assert watched_shares(rules) == {"b": 0.5, "c": 0.2}


def test_shares_over_the_limit_are_told_and_few_records_say_nothing() -> None:
    watched = {"b": 0.5, "c": 0.2}
    assert list(share_warnings({"c": 19}, watched)) == []
    assert list(share_warnings({"a": 16, "c": 4}, watched)) == []
    assert list(share_warnings({"a": 14, "c": 5, NO_RULE: 1}, watched)) == [
        "rule c took 5 of 20 records in 30 days (25%, 20% is the most); see `leadlight route --replay`",
        "no rule fits 1 of 20 records in 30 days; add a rule without conditions at the end",
    ]
