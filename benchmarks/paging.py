"""Read many records while people edit them, and compare what the store holds with what the CRM holds.

    python -m benchmarks.paging --people 25000 --crm both

Three pulls: the first of everything and one of more than 10,000 changes, both while records are edited, then one in
peace. After it every record must be there once, with its newest values. Ends with 1 where one is not.
"""

import argparse
import random
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from benchmarks.processes import CRMS, Sandbox, begin, compile_sources, configured, run, serving
from connector.store.lake import Lake
from connector.store.state import open_state

PEOPLE = {"salesforce": ("Lead", "Contact"), "hubspot": ("contacts",)}
TITLE = {"salesforce": "Title", "hubspot": "jobtitle"}
CHANGED = 12_000  # more than a search yields
PAUSE_S = 0.002
Titles = Mapping[str, str | None]


def living(sandbox: Sandbox, crm: str) -> dict[tuple[str, str], str | None]:
    """Give everybody's title by object and record id, as the CRM holds it."""
    return {
        (name, record["id"]): record["fields"].get(TITLE[crm]) or None
        for name in PEOPLE[crm]
        for record in sandbox.control("GET", f"records?object={name}")
        if not record["deleted"]
    }


def titles_in_store(folder: Path) -> tuple[dict[str, str | None], int]:
    """Give everybody's title by record id, as the store holds it, and the number of its rows."""
    state = open_state(folder)
    try:
        relation = Lake(folder, state).relation("people")
        with duckdb.connect() as engine:
            rows = engine.execute(f"SELECT person_id, title FROM {relation}").fetchall()  # noqa: S608 - a file list
    finally:
        state.close()
    return dict(rows), len(rows)


@contextmanager
def editing(sandbox: Sandbox, crm: str, ids: Sequence[tuple[str, str]], seed: int) -> Iterator[list[int]]:
    """Let somebody edit records one after the other; gives the count of edits so far."""
    stop, count, rng = threading.Event(), [0], random.Random(seed)  # noqa: S311 - edits, no secrets

    def edit() -> None:
        while not stop.wait(PAUSE_S):
            name, record_id = rng.choice(ids)
            count[0] += 1
            fields = {TITLE[crm]: f"Title {seed} {count[0]}"}
            sandbox.control("POST", "edit", {"actor": "human", "object": name, "id": record_id, "fields": fields})

    thread = threading.Thread(target=edit)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()


def differing(crm: Titles, store: Titles) -> list[str]:
    """Say which records are missing, too many, or of another title, ten at most."""
    found = [f"missing: {key}" for key in sorted(crm.keys() - store.keys())]
    found += [f"not in the CRM: {key}" for key in sorted(store.keys() - crm.keys())]
    found += [
        f"{key}: {store[key]!r}, not {crm[key]!r}"
        for key in sorted(crm.keys() & store.keys())
        if crm[key] != store[key]
    ]
    return found[:10]


def measure(crm: str, people: int, seed: int, folder: Path) -> list[str]:
    """Pull three times; gives what differs at the end."""
    with serving(crm, folder, people=people, seed=seed) as sandbox:
        config = str(configured(folder))
        sandbox.control("POST", "settings", {"search_lag_s": 2, "read_lag_s": 1})
        ids = list(living(sandbox, crm))
        with editing(sandbox, crm, ids, seed) as first:
            whole = begin("pull", "--config", config).finish()
        rng = random.Random(seed + 1)  # noqa: S311 - as above
        for name, record_id in rng.sample(ids, min(CHANGED, len(ids))):
            body = {
                "actor": "automation",
                "object": name,
                "id": record_id,
                "fields": {TITLE[crm]: f"Sweep {record_id}"},
            }
            sandbox.control("POST", "edit", body)
        sandbox.control("POST", "clock", {"advance_s": 60})
        with editing(sandbox, crm, ids, seed + 2) as second:
            changes = begin("pull", "--config", config).finish()
        sandbox.control("POST", "clock", {"advance_s": 300})
        last = run("pull", "--config", config)
        held, rows = titles_in_store(folder / "leadlight-store")
        there = {record_id: title for (_, record_id), title in living(sandbox, crm).items()}
        wrong = differing(there, held)
        wrong += [f"{rows} rows for {len(held)} people"] if rows != len(held) else []
        wrong += [f"a pull ended with {ran.code}: {ran.said[-300:]}" for ran in (whole, changes) if ran.code]
    figures = ", ".join(
        f"{ran.result['pulled']['people']:,} people in {ran.result['api_calls']['read']:,} calls"
        for ran in (whole, changes, last)
        if ran.result
    )
    print(f"{crm}: {figures}; {first[0]:,} and {second[0]:,} edits meanwhile; {len(wrong)} differ", flush=True)
    return [f"{crm}: {line}" for line in wrong]


def main(words: Sequence[str] | None = None) -> int:
    """Measure one CRM or both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paging", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=25_000)
    parser.add_argument("--crm", choices=(*CRMS, "both"), default="both")
    parser.add_argument("--seed", type=int, default=7)
    told = parser.parse_args(words)
    compile_sources()
    wrong: list[str] = []
    for crm in CRMS if told.crm == "both" else (told.crm,):
        with tempfile.TemporaryDirectory(prefix="leadlight-paging-") as folder:
            wrong += measure(crm, told.people, told.seed, Path(folder))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
