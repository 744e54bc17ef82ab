"""What in a person's events gives a machine away, as one SELECT over them.

The tests look at opens, clicks and page views alone: nobody fills in a form by the dozen, and what a person did in
between still counts. A honeypot and the network or program that an event came from are asked of every event.
"""

from collections.abc import Collection, Iterator, Sequence
from ipaddress import ip_address, ip_network

import duckdb

from connector.engine.relations import literal
from connector.settings.bots import BotSettings

TRACKED = ("email_open", "email_click", "page_view")
HONEYPOT_S = 300
OPENED_DAYS = 30  # an open so long before a click still belongs to it
_WHO = "person_id, account_id"


def prepare(engine: duckdb.DuckDBPyConnection, settings: BotSettings, events: str, columns: Collection[str]) -> None:
    """Put the events to judge into a temporary table `judged`; columns are those that the relation has.

    Columns: event_id, person_id, account_id, type, at_s (seconds since 1970, UTC), url, asset (lower case, null where
    unknown), agent (lower case), address, marked (the CRM calls it a bot's already).
    """
    text = {name: f"lower(trim({name}))" if name in columns else "NULL::VARCHAR" for name in ("url", "asset")}
    who = ", ".join(name if name in columns else f"NULL::VARCHAR AS {name}" for name in ("person_id", "account_id"))
    agent, address = (_property(columns, names) for names in (settings.agent_props, settings.address_props))
    marked = "coalesce(is_bot, false)" if "is_bot" in columns else "false"
    types = ", ".join(map(literal, (*TRACKED, "email_sent")))
    asked = " OR ".join([f"type IN ({types})", *_anywhere(settings, text["url"], agent, address)])
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE judged AS
            SELECT event_id, {who}, type, epoch(occurred_at) AS at_s, {text["url"]} AS url, {text["asset"]} AS asset,
                   lower({agent}) AS agent, {address} AS address, {marked} AS marked
            FROM {events} WHERE {asked}"""  # noqa: S608 - a file list and names of our own; values are quoted
    )


def findings(engine: duckdb.DuckDBPyConnection, settings: BotSettings) -> str:
    """Write the SELECT of what is a machine's in `judged`: event_id, person_id, account_id, reason.

    The reason is for people; of several the first of these: honeypot, program, network, links, burst, unopened.
    """
    tests = " ".join(f"WHEN {test} THEN {literal(reason)}" for test, reason in _tests(engine, settings))
    if not tests:
        return "SELECT event_id, person_id, account_id, '' AS reason FROM judged WHERE false"
    return f"""
        WITH looked AS (SELECT *, {", ".join(_looks(settings))} FROM judged WINDOW
               back_links AS ({_window("email_click", f"{settings.links_s} PRECEDING AND CURRENT ROW")}),
               back_burst AS ({_window(None, f"{settings.burst_s} PRECEDING AND CURRENT ROW")}),
               around AS (PARTITION BY {_WHO} ORDER BY at_s
                          RANGE BETWEEN {HONEYPOT_S} PRECEDING AND {HONEYPOT_S} FOLLOWING),
               same_mail AS (PARTITION BY {_WHO}, asset ORDER BY at_s
                             RANGE BETWEEN {OPENED_DAYS * 86400} PRECEDING AND CURRENT ROW)),
             told AS (SELECT *,
               max(links) OVER ahead_links AS most_links, max(events) OVER ahead_burst AS most_events
               FROM looked WINDOW
               ahead_links AS ({_window("email_click", f"CURRENT ROW AND {settings.links_s} FOLLOWING")}),
               ahead_burst AS ({_window(None, f"CURRENT ROW AND {settings.burst_s} FOLLOWING")}))
        SELECT * FROM (SELECT event_id, person_id, account_id, CASE {tests} END AS reason FROM told WHERE NOT marked)
        WHERE reason IS NOT NULL"""  # noqa: S608 - numbers and quoted values


def _window(kind: str | None, frame: str) -> str:
    """Partition by who did it, and by being a click or a tracked event; the frame is in seconds."""
    same = f"type = '{kind}'" if kind else f"type IN ({', '.join(map(literal, TRACKED))})"
    return f"PARTITION BY {_WHO}, {same} ORDER BY at_s RANGE BETWEEN {frame}"


def _looks(settings: BotSettings) -> Iterator[str]:
    yield "count(DISTINCT coalesce(url, event_id)) OVER back_links AS links"
    yield "count(*) OVER back_burst AS events"
    yield f"bool_or(coalesce({_honeypot(settings)}, false)) OVER around AS trapped"
    yield "max(at_s) FILTER (WHERE type = 'email_sent') OVER same_mail AS sent_s"
    yield "coalesce(bool_or(type = 'email_open' AND NOT marked) OVER same_mail, false) AS opened"


def _tests(engine: duckdb.DuckDBPyConnection, settings: BotSettings) -> Iterator[tuple[str, str]]:
    """Pair each test that is asked for with what it says of an event."""
    tracked = f"type IN ({', '.join(map(literal, TRACKED))})"
    if settings.honeypots:
        yield _honeypot(settings), "followed a link that is hidden from people"
        yield f"trapped AND {tracked}", f"within {HONEYPOT_S} s of following a link that is hidden from people"
    if settings.agents and settings.agent_props:
        yield _contains("agent", settings.agents), "the program that came is a machine's"
    if blocked := _blocked(engine, settings):
        yield f"address IN ({', '.join(map(literal, blocked))})", "came from the network of a data centre"
    if settings.links:
        yield (
            f"type = 'email_click' AND most_links >= {settings.links}",
            _within(settings.links, "links", settings.links_s),
        )
    if settings.burst:
        told = _within(settings.burst, "opens, clicks and page views", settings.burst_s)
        yield f"{tracked} AND most_events >= {settings.burst}", told
    if settings.unopened != "never":
        unopened = "type = 'email_click' AND asset IS NOT NULL AND NOT opened"
        soon = f" AND at_s - sent_s <= {settings.unopened_s}"
        told = "clicked in a mail that was never opened"
        if settings.unopened == "soon":
            yield unopened + soon, f"{told}, within {settings.unopened_s:g} s of its sending"
        else:
            yield unopened, told


def _within(count: int, what: str, seconds: float) -> str:
    return f"{count} or more {what} within {seconds:g} s"


def _honeypot(settings: BotSettings) -> str:
    return _contains("url", settings.honeypots) if settings.honeypots else "false"


def _contains(column: str, parts: Sequence[str]) -> str:
    return "(" + " OR ".join(f"contains({column}, {literal(part)})" for part in parts) + ")"


def _anywhere(settings: BotSettings, url: str, agent: str, address: str) -> Iterator[str]:
    """Ask of events of every type what needs no others beside it."""
    if settings.honeypots:
        yield _contains(url, settings.honeypots)
    if settings.agents and agent != "NULL::VARCHAR":
        yield _contains(f"lower({agent})", settings.agents)
    if settings.networks and address != "NULL::VARCHAR":
        yield f"{address} IS NOT NULL"


def _property(columns: Collection[str], names: Sequence[str]) -> str:
    """Read the first of several properties of an event, which travel as JSON text."""
    if "props" not in columns or not names:
        return "NULL::VARCHAR"
    found = [f"json_extract_string(TRY_CAST(props AS JSON), {literal(_path(name))})" for name in names]
    return f"nullif(trim(coalesce({', '.join(found)})), '')"


def _path(name: str) -> str:
    return '$."' + name.replace('"', '\\"') + '"'


def _blocked(engine: duckdb.DuckDBPyConnection, settings: BotSettings) -> list[str]:
    """List the addresses in `judged` that lie in one of the networks."""
    networks = [ip_network(text) for text in settings.networks]
    if not networks:
        return []
    rows = engine.execute("SELECT DISTINCT address FROM judged WHERE address IS NOT NULL ORDER BY 1").fetchall()
    return [text for (text,) in rows if any(_lies_in(text, network) for network in networks)]


def _lies_in(text: str, network: object) -> bool:
    try:
        return ip_address(text) in network  # type: ignore[operator] # either version of network
    except ValueError:
        return False
