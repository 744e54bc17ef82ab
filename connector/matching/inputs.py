"""What matching reads of the store, and which people a change of it concerns.

Tables of a session: now_ROLE says what is there now (id, seen) and `known` what was there when keys were written last;
fresh_ROLE and gone_ROLE are where these differ. `account_keys` holds the keys of every account as they are now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow as pa

from connector.engine.relations import quoted
from connector.matching.sides import ACCOUNT_COLUMNS, PERSON_COLUMNS
from connector.store.lake import Lake

KEYS: Final = "match_keys"  # subject (its key), role, id, seen, keys
AT_ONCE: Final = 10_000
MOST_ACCOUNTS: Final = 400  # a key that more accounts share tells nothing
_ID: Final = {"person": "person_id", "account": "account_id"}
_NOW: Final = {"person": "open_people", "account": "standing"}
_NOTHING_KNOWN: Final = (
    "SELECT NULL::VARCHAR AS role, NULL::VARCHAR AS id, NULL::VARCHAR AS seen, NULL::VARCHAR[] AS keys WHERE false"
)
_SHARING: Final = """SELECT id FROM (SELECT id, unnest(keys) AS key FROM known WHERE role = 'person')
    WHERE key IN (SELECT key FROM fresh_keys UNION ALL SELECT unnest(keys) FROM known WHERE role = 'account'
                  AND id IN (SELECT id FROM fresh_account UNION ALL SELECT id FROM gone_account))"""


def open_inputs(engine: duckdb.DuckDBPyConnection, lake: Lake, *, whole: bool) -> None:
    """Make the tables of what is there now, and of what is new, differs or is gone; `whole` trusts nothing known."""
    engine.execute(f"CREATE OR REPLACE TEMP VIEW open_people AS {_open_people(lake)}")
    engine.execute(f"CREATE OR REPLACE TEMP VIEW standing AS {_standing(lake)}")
    stored = lake.relation(KEYS)
    known = f"SELECT role, id, seen, keys FROM {stored}" if stored else _NOTHING_KNOWN  # noqa: S608 - file lists of our own making
    engine.execute(f"CREATE OR REPLACE TEMP TABLE known AS {known}")
    for role, now in _NOW.items():
        engine.execute(f"CREATE OR REPLACE TEMP TABLE now_{role} AS SELECT {_ID[role]} AS id, seen FROM {now}")  # noqa: S608 - our own names
        same = "false" if whole else "coalesce(k.seen = n.seen, false)"
        engine.execute(
            f"""CREATE OR REPLACE TEMP TABLE fresh_{role} AS SELECT n.id FROM now_{role} n
                LEFT JOIN known k ON k.role = '{role}' AND k.id = n.id WHERE NOT {same}"""  # noqa: S608 - our own names
        )
        engine.execute(
            f"""CREATE OR REPLACE TEMP TABLE gone_{role} AS SELECT id FROM known
                WHERE role = '{role}' AND id NOT IN (SELECT id FROM now_{role})"""  # noqa: S608 - our own names
        )


def fresh_accounts(engine: duckdb.DuckDBPyConnection) -> Iterator[list[dict[str, Any]]]:
    """Read, some at a time, the accounts that are new or differ; ask nothing else meanwhile."""
    cursor = engine.execute("SELECT * FROM standing WHERE account_id IN (SELECT id FROM fresh_account)")
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(AT_ONCE):
        yield [dict(zip(names, row, strict=True)) for row in rows]


def put_account_keys(engine: duckdb.DuckDBPyConnection, fresh: pa.Table, *, whole: bool) -> None:
    """Make `account_keys` of the fresh rows of keys and of those that were known and still hold."""
    engine.register("fresh_rows", fresh)
    engine.execute("CREATE OR REPLACE TEMP TABLE fresh_keys AS SELECT id, unnest(keys) AS key FROM fresh_rows")
    engine.unregister("fresh_rows")
    held = "false" if whole else "id NOT IN (SELECT id FROM fresh_account UNION ALL SELECT id FROM gone_account)"
    engine.execute(
        f"""CREATE OR REPLACE TEMP TABLE account_keys AS SELECT id, key FROM fresh_keys UNION ALL
            SELECT id, unnest(keys) AS key FROM known WHERE role = 'account' AND {held}"""  # noqa: S608 - our own words
    )


def find_concerned(engine: duckdb.DuckDBPyConnection, *, whole: bool) -> int:
    """Make `concerned` of the people to match anew, numbered by n, and count them: who changed, and who shares a key
    with a change among accounts.

    That is any key of an account that is new, differs or is gone, as it was and as it is. A key that too many accounts
    share from now on, or no longer, is among them.
    """
    shared = "" if whole else f" UNION {_SHARING}"
    engine.execute(
        f"""CREATE OR REPLACE TEMP TABLE concerned AS
            SELECT row_number() OVER (ORDER BY person_id) - 1 AS n, * FROM open_people
            WHERE person_id IN (SELECT id FROM fresh_person{shared})"""  # noqa: S608 - our own words
    )
    return int(engine.execute("SELECT count(*) FROM concerned").fetchall()[0][0])


def gone(engine: duckdb.DuckDBPyConnection, role: str) -> list[str]:
    """List the people or accounts that were known and are there no more."""
    return [found for (found,) in engine.execute(f"SELECT id FROM gone_{role}").fetchall()]  # noqa: S608 - our own names


def person_row(engine: duckdb.DuckDBPyConnection, person_id: str) -> dict[str, Any] | None:
    """Read one person as matching does; null for who is not to be matched."""
    found = _dicts(engine.execute("SELECT * FROM open_people WHERE person_id = ?", [person_id]))
    return found[0] if found else None


def concerned_rows(engine: duckdb.DuckDBPyConnection, first: int) -> list[dict[str, Any]]:
    """Read the people to match anew from a number on."""
    return _dicts(engine.execute("SELECT * FROM concerned WHERE n >= ? AND n < ?", [first, first + AT_ONCE]))


def accounts_by_key(engine: duckdb.DuckDBPyConnection, keys: Iterable[str]) -> dict[str, list[str]]:
    """Find the accounts of keys; those that too many share give none."""
    with _wanted(engine, keys):
        return dict(
            engine.execute(
                """SELECT key, list(id) FROM account_keys WHERE key IN (SELECT word FROM wanted)
                   GROUP BY key HAVING count(*) <= ?""",
                [MOST_ACCOUNTS],
            ).fetchall()
        )


def account_rows(engine: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Read accounts with their standing."""
    with _wanted(engine, ids):
        return _dicts(engine.execute("SELECT * FROM standing WHERE account_id IN (SELECT word FROM wanted)"))


@contextmanager
def _wanted(engine: duckdb.DuckDBPyConnection, words: Iterable[str]) -> Iterator[None]:
    engine.register("wanted", pa.table({"word": pa.array(words, pa.string())}))
    yield
    engine.unregister("wanted")


def _open_people(lake: Lake) -> str:
    """Select the people that the CRM links to no account and that did not become another record."""
    there = lake.columns("people")
    tests = [f"{name} IS NULL" for name in ("converted_at",) if name in there]
    tests += ["nullif(trim(account_id), '') IS NULL"] if "account_id" in there else []
    chosen = _chosen(PERSON_COLUMNS, there)
    seen = _seen(("person_id", *PERSON_COLUMNS))
    rows = f"SELECT person_id, {chosen} FROM {lake.relation('people')} WHERE {' AND '.join(tests) or 'true'}"  # noqa: S608 - file lists of our own making
    return f"SELECT *, {seen} AS seen FROM ({rows}) WHERE coalesce(email, domain, company) IS NOT NULL"  # noqa: S608 - as above


def _standing(lake: Lake) -> str:
    """Select the accounts with what tie-breakers ask of them."""
    chosen = _chosen(ACCOUNT_COLUMNS, lake.columns("accounts"))
    linked = lake.relation("people") if "account_id" in lake.columns("people") else None
    people = (
        f"SELECT account_id, count(*) AS people FROM {linked} GROUP BY 1"  # noqa: S608 - as above
        if linked
        else "SELECT NULL::VARCHAR AS account_id, 0 AS people"
    )
    rows = (
        f"SELECT a.account_id, {chosen}, coalesce(n.people, 0) AS people, o.account_id IS NOT NULL AS has_opportunity "  # noqa: S608 - as above
        f"FROM {lake.relation('accounts')} a LEFT JOIN ({people}) n USING (account_id) "
        f"LEFT JOIN ({_opportunities(lake)}) o USING (account_id)"
    )
    return f"SELECT *, {_seen(('account_id', *ACCOUNT_COLUMNS, 'people', 'has_opportunity'))} AS seen FROM ({rows})"  # noqa: S608 - as above


def _opportunities(lake: Lake) -> str:
    """Select the accounts that have an opportunity open; its outcomes share the record's key."""
    outcomes = lake.relation("outcomes")
    if outcomes is None or not {"outcome_id", "account_id"} <= lake.columns("outcomes").keys():
        return "SELECT NULL::VARCHAR AS account_id WHERE false"
    record = "regexp_replace(outcome_id, ':[^:]*$', '')"
    return (
        f"SELECT DISTINCT account_id FROM (SELECT any_value(account_id) AS account_id FROM {outcomes} "  # noqa: S608 - as above
        f"WHERE account_id IS NOT NULL GROUP BY {record} HAVING bool_or(kind = 'opportunity_created') "
        "AND NOT bool_or(kind IN ('closed_won', 'closed_lost')))"
    )


def _chosen(wanted: Sequence[str], there: Mapping[str, str]) -> str:
    names = (f"CAST({quoted(n)} AS VARCHAR)" if n in there else "CAST(NULL AS VARCHAR)" for n in wanted)
    return ", ".join(f"{given} AS {quoted(name)}" for given, name in zip(names, wanted, strict=True))


def _seen(columns: Sequence[str]) -> str:
    """Write the digest of columns by which a change is seen."""
    parts = ", ".join(f"coalesce({quoted(name)}::VARCHAR, '')" for name in columns)
    return f"md5(concat_ws(chr(31), {parts}))"


def _dicts(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
