"""Whom in the CRM a key means: temporary tables of ids, e-mail addresses and domains, and the join with them."""

from collections.abc import Collection, Iterator, Mapping

import duckdb
import pyarrow as pa

from connector.store.lake import Lake
from mappings.feed_keys import account_domain


def index_subjects(engine: duckdb.DuckDBPyConnection, lake: Lake, came: Mapping[str, str | None] | None = None) -> None:
    """Make the tables known_ids, known_addresses, known_accounts and known_domains of whom the store holds.

    came: relations of the people and accounts to look among alone, null for none of them.

    Of several with one address the contact goes first, then the oldest, then the lowest id. A domain is an account's
    own, else that of most of its people; free and disposable mail are nobody's.
    """
    found = came if came is not None else {table: lake.relation(table) for table in ("people", "accounts")}
    people, accounts = found["people"], found["accounts"]
    there = _columns(engine, people)
    rows = f"(SELECT * FROM {people} {'WHERE converted_at IS NULL' if 'converted_at' in there else ''})"  # noqa: S608 - file lists of our own making
    columns = {
        name: name if name in there else "NULL" for name in ("account_id", "email", "kind", "created_at", "domain")
    }
    selected = ", ".join(f"{text} AS {name}" for name, text in columns.items())
    source = f"SELECT person_id, {selected} FROM {rows}" if people else _nothing("person_id", *columns)  # noqa: S608 - as above
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE known_people AS {source}")
    engine.execute(
        """CREATE OR REPLACE TEMPORARY TABLE known_ids AS
        SELECT person_id AS key, person_id, account_id FROM known_people UNION ALL
        SELECT left(person_id, 15), person_id, account_id FROM known_people WHERE length(person_id) = 18"""
    )
    engine.execute(
        """CREATE OR REPLACE TEMPORARY TABLE known_addresses AS
        SELECT lower(trim(email)) AS key, person_id, account_id FROM known_people WHERE email IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY lower(trim(email))
          ORDER BY (kind = 'contact') DESC NULLS LAST, created_at NULLS LAST, person_id) = 1"""
    )
    own = (
        f"SELECT account_id, {'domain' if 'domain' in _columns(engine, accounts) else 'NULL'} AS domain FROM {accounts}"  # noqa: S608 - as above
    )
    source = own if accounts else _nothing("account_id", "domain")
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE known_accounts AS {source}")
    _index_domains(engine)


def _columns(engine: duckdb.DuckDBPyConnection, relation: str | None) -> set[str]:
    return set(engine.sql(f"SELECT * FROM {relation}").columns) if relation else set()  # noqa: S608 - a file list of our own making


def keyed_to_known(keyed: str, columns: Collection[str]) -> str:
    """Write the SELECT that puts person_id and account_id beside keyed rows, each null where nobody is known."""
    own = "".join(f"k.{name}, " for name in columns)
    return f"""
        SELECT {own}coalesce(i.person_id, e.person_id) AS person_id,
               coalesce(a.account_id, b.account_id, d.account_id, i.account_id, e.account_id) AS account_id
        FROM {keyed} k
        LEFT JOIN known_ids i ON i.key = k.person_key
        LEFT JOIN known_addresses e ON e.key = k.email
        LEFT JOIN known_accounts a ON a.account_id = k.account_key
        LEFT JOIN known_accounts b ON length(k.account_key) = 15 AND left(b.account_id, 15) = k.account_key
        LEFT JOIN known_domains d ON d.domain = k.domain"""  # noqa: S608 - names of our own


def _index_domains(engine: duckdb.DuckDBPyConnection) -> None:
    """Make the table of domains; what an account says goes before what its people say."""
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE claims AS {' UNION ALL '.join(_claims())}")
    given = engine.sql("SELECT DISTINCT given FROM claims WHERE given IS NOT NULL").to_arrow_table()["given"]
    own = [account_domain(text) for text in given.to_pylist()]
    engine.register("own_domains", pa.table({"given": given, "domain": pa.array(own, pa.string())}))
    engine.execute(
        """CREATE OR REPLACE TEMPORARY TABLE known_domains AS
        SELECT domain, account_id FROM claims JOIN own_domains USING (given) WHERE domain IS NOT NULL
        GROUP BY domain, account_id, place
        QUALIFY row_number() OVER (PARTITION BY domain ORDER BY place, sum(n) DESC, account_id) = 1"""
    )
    engine.unregister("own_domains")


def _claims() -> Iterator[str]:
    """Select which accounts claim a domain by their own word, by the company's and by the address of their people."""
    yield "SELECT 0 AS place, domain AS given, account_id, 1 AS n FROM known_accounts"
    of_people = "FROM known_people WHERE account_id IS NOT NULL"
    yield f"SELECT 1, domain, account_id, count(*) {of_people} GROUP BY ALL"
    address = "lower(split_part(trim(email), '@', 2))"
    yield f"SELECT 2, {address}, account_id, count(*) {of_people} AND contains(email, '@') GROUP BY ALL"


def _nothing(*columns: str) -> str:
    return f"SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in columns)} WHERE false"
