"""What the file of a feed says, and what rows become by it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mappings.feed import Clock, Feed
from mappings.feed_keys import account_domain
from mappings.feed_loader import load_feed, packaged_feeds
from mappings.feed_rows import KeyedRows, keyed_rows
from mappings.feed_share import Shares, with_shares
from mappings.feed_times import times
from mappings.loader import MappingError

SEEN_AT = datetime(2026, 7, 1, tzinfo=UTC)
CALLS: dict[str, Any] = {"vendor": "calls", "key": {"email": "email"}, "time": "at", "event": [{"type": "call"}]}


def keyed(feed: dict[str, Any], *rows: Mapping[str, object], repeats: bool = True) -> KeyedRows:
    """Read rows by a feed."""
    return keyed_rows(Feed.model_validate(feed), pa.Table.from_pylist(list(rows)), SEEN_AT, repeats=repeats)


def moment(text: str, **clock: Any) -> str | None:  # noqa: ANN401 - keys of any kind
    """Read one time."""
    found = times(Clock.model_validate({"from": "at", **clock}), pa.table({"at": [text]}), SEEN_AT)[0].as_py()
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if found else None


@pytest.mark.parametrize("name", packaged_feeds())
def test_every_ready_feed_loads_and_says_what_is_assumed(name: str) -> None:
    assert load_feed(name).needed()
    text = (Path(__file__).resolve().parents[2] / "mappings" / "feeds" / f"{name}.toml").read_text(encoding="utf-8")
    assert "Assumed:" in text or "The names are ours" in text


@pytest.mark.parametrize(
    ("text", "clock", "wanted"),
    [
        ("2026-06-29T08:00:00+02:00", {}, "2026-06-29 06:00:00"),
        ("2026-06-29", {"zone": "America/New_York"}, "2026-06-29 04:00:00"),
        ("2026-01-29", {"zone": "America/New_York"}, "2026-01-29 05:00:00"),
        ("06/07/2026", {"format": "%d/%m/%Y"}, "2026-07-06 00:00:00"),
        ("06/07/2026", {"format": ["iso", "%m/%d/%Y"]}, "2026-06-07 00:00:00"),
        ("1782000000", {"format": "epoch_s"}, "2026-06-21 00:00:00"),
        ("1782000000123", {"format": "epoch_ms"}, "2026-06-21 00:00:00"),
        ("1782000000", {"format": "epoch_ms"}, None),  # seconds read as milliseconds are of 1970
        ("1e300", {"format": "epoch_s"}, None),
        ("29.06.2026", {}, None),
        ("2026-02-30", {}, None),
        ("9999-12-31", {}, None),
        ("  ", {}, None),
    ],
)
def test_times_are_read_by_the_first_format_that_fits(text: str, clock: dict[str, Any], wanted: str | None) -> None:
    assert moment(text, **clock) == wanted


def test_mixed_dates_cost_the_rows_that_do_not_fit() -> None:
    rows = [{"email": "a@acme.example", "at": at} for at in ("2026-06-01", "01/06/2026", "yesterday", "2026-06-02")]
    found = keyed(CALLS, *rows)
    assert found.events["row"].to_pylist() == [0, 3]
    assert found.reasons.to_pylist() == [
        None,
        "at: 01/06/2026 is no time (iso)",
        "at: yesterday is no time (iso)",
        None,
    ]


def test_times_of_a_parquet_file_stay_what_they_are() -> None:
    stamp = datetime(2026, 6, 1, 7, 30, 15, 999_999, tzinfo=UTC)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("ns"), pa.timestamp("ms", "Europe/Berlin")):
        rows = pa.table({"at": pa.array([stamp.replace(microsecond=0)], kind)})
        assert times(Clock.model_validate({"from": "at"}), rows, SEEN_AT)[0].as_py() == stamp.replace(microsecond=0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"email": " ", "at": "2026-06-01"}, "no key: email is blank, free mail, or cannot be read"),
        ({"email": "no address", "at": "2026-06-01"}, "no key"),
        ({"email": "a@acme.example", "at": None}, "at: nothing is no time (iso)"),
        ({"email": "a@acme.example", "at": "2026-06-01", "value": "much"}, "value: much is no number"),
        ({"email": "a@acme.example", "at": "2026-06-01", "type": None}, "no type: type is blank"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row: dict[str, Any], said: str) -> None:
    feed = {**CALLS, "event": [{"type": {"from": "type"}, "value": "value"}]}
    found = keyed(
        feed, {"type": "call", "value": "1", **row}, {"email": "b@acme.example", "at": "2026-06-01", "type": "x"}
    )
    assert str(found.reasons[0]).startswith(said)
    assert found.events["row"].to_pylist() == [1]


def test_a_row_is_the_first_event_that_it_matches_and_the_rest_is_passed_over() -> None:
    feed = {**CALLS, "where": {"field": "kind", "is_not": "test"}, "event": [
        {"type": "demo_request", "when": {"field": "score", "at_least": 60}},
        {"type": "page_view", "when": {"field": "score", "below": 10}, "asset": "kind"},
    ]}  # fmt: skip
    rows = [{"email": "a@acme.example", "at": "2026-06-01", "kind": kind, "score": score}
            for kind, score in (("a", "60"), ("b", "59.9"), ("c", "9"), ("test", "99"), ("d", None))]  # fmt: skip
    found = keyed(feed, *rows)
    assert [(one["row"], one["type"], one.get("asset")) for one in found.events.to_pylist()] == [
        (0, "demo_request", None), (2, "page_view", "c"),
    ]  # fmt: skip
    assert (found.passed, found.reasons.null_count) == (3, 5)


def test_two_rows_alike_are_one_and_one_that_differs_is_another() -> None:
    rows = [{"email": "a@acme.example", "at": "2026-06-01", "unread": n} for n in (1, 2)]
    first, second = keyed(CALLS, *rows).events["identity"].to_pylist()
    assert first == second
    other = keyed(CALLS, {**rows[0], "at": "2026-06-02"}).events["identity"][0].as_py()
    assert other != first


def test_a_row_without_a_time_is_new_when_it_is_seen_again_in_a_file_and_the_same_in_a_message() -> None:
    feed = {name: value for name, value in CALLS.items() if name != "time"}
    row = {"email": "a@acme.example"}
    assert keyed(feed, row).events["occurred_at"][0].as_py() == SEEN_AT
    later = keyed_rows(Feed.model_validate(feed), pa.Table.from_pylist([row]), SEEN_AT.replace(day=2))
    assert later.events["identity"][0] != keyed(feed, row).events["identity"][0]
    again = keyed_rows(Feed.model_validate(feed), pa.Table.from_pylist([row]), SEEN_AT.replace(day=2), repeats=False)
    assert again.events["identity"][0] == keyed(feed, row, repeats=False).events["identity"][0]


def test_attributes_are_given_one_by_one_for_whom_the_row_has_a_key() -> None:
    feed = {"vendor": "v", "key": {"email": "email", "domain": "site"}, "person": {"title": "title"},
            "account": {"employees": {"from": "size", "transform": "number"}, "technologies": "tech"}}  # fmt: skip
    rows: list[dict[str, object]] = [
        {"email": "a@acme.example", "site": "acme.example", "title": "CEO", "size": "51-200", "tech": ["x", "y"]},
        {"email": "", "site": "acme.example", "title": "CEO", "size": "n/a", "tech": None},
    ]
    found = keyed(feed, *rows).attributes.to_pylist()
    assert {(one["row"], one["role"], one["name"], one["value"]) for one in found} == {
        (0, "person", "title", "CEO"), (0, "account", "employees", "51"), (0, "account", "technologies", "x;y"),
    }  # fmt: skip
    assert {one["observed_at"] for one in found} == {SEEN_AT}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("https://www.Crm.Acme.co.uk:443/x?y", "acme.co.uk"), ("ann@gmail.com", None), ("gmail.com", None),
     ("mailinator.com", None), ("mit.edu", "mit.edu"), ("acme", None), ("", None)],
)  # fmt: skip
def test_domains_are_those_that_somebody_registered(text: str, wanted: str | None) -> None:
    assert account_domain(text) == wanted


def test_shares_count_what_is_watched_once_over_all_pieces() -> None:
    feed = Feed.model_validate({**CALLS, "share": [
        {"name": "part", "of": "topic", "per": ["email"], "when": {"field": "score", "at_least": 60}},
        {"name": "of_ten", "of": "topic", "per": ["email"], "when": {"field": "score", "at_least": 60}, "total": 10},
    ]})  # fmt: skip
    scores = [
        ("a", "CRM", 60),
        ("a", "crm ", 80),
        ("a", "Tax", 10),
        ("b", "Law", 90),
        ("b", "Tax", 61),
        ("", "Ads", 99),
    ]
    rows = pa.Table.from_pylist([{"email": who, "topic": topic, "score": score} for who, topic, score in scores])
    counted = Shares(feed)
    for start in (0, 2, 4):
        counted.add(rows.slice(start, 2))
    found = with_shares(feed, rows, counted.tables())
    assert found["part"].to_pylist() == [0.25, 0.25, 0.25, 0.5, 0.5, None]
    assert found["of_ten"].to_pylist() == [0.1, 0.1, 0.1, 0.2, 0.2, None]


def test_a_file_of_ones_own_changes_what_differs(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'extends = "zoominfo"\nkey = { domain = false, account_id = "Account" }\ntime = "Pulled"\nid = ["Key"]\n'
        '[person]\ntitle = "Role"\nphone = false\n[account]\n',
        encoding="utf-8",
    )
    feed, base = load_feed(str(mine)), load_feed("zoominfo")
    assert set(feed.key.columns()) == {"email", "account_id"}
    assert (feed.person["title"].from_, feed.time and feed.time.from_) == (("Role",), ("Pulled",))
    assert set(base.person) - set(feed.person) == {"phone"}
    assert (feed.account, feed.vendor) == (base.account, "zoominfo")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vendor = ", "is not valid TOML"),
        ('extends = "bombara"', "there is no such feed, did you mean 'bombora'?"),
        ('extends = "mine.toml"', "extends itself"),
        ('vendor = "v"', "key: is required"),
        ('extends = "bombora"\nkeys = 1', "keys: unknown key, did you mean 'key'?"),
        ('extends = "bombora"\nevent = [ { type = "x", asse = "y" } ]', "asse: unknown key, did you mean 'asset'?"),
        ('extends = "bombora"\ntime = { from = "a", zone = "Mars" }', "'Mars' is no time zone"),
        ('extends = "bombora"\ntime = { from = "a", format = "dd.mm" }', "'dd.mm' is no format"),
        ('extends = "bombora"\nevent = false', "a feed gives something"),
        ('extends = "bombora"\n[person]\ntitle = "x"', "attributes of a `person` need"),
        ('extends = "bombora"\n[account]\nperson_id = "x"', "is filled by Leadlight itself"),
        ('extends = "bombora"\n[account]\nTitle = "x"', "must be lower-case"),
        ('extends = "bombora"\nwhere = { field = "x", at_least = "y" }', "where.at_least"),
        ('vendor = "v"\nkey = {}\nevent = [ { type = "call" } ]', "a key names at least one"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as refused:
        load_feed(str(tmp_path / "mine.toml"))
    assert said in str(refused.value)
