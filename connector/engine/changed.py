"""Restricts a run to the subjects that changed: what is read for them, and the rows that all others keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from connector.engine.relations import Relation


@dataclass(frozen=True)
class Changed:
    """Name the subjects to score anew, and where the others' rows are.

    subject_ids is a relation with the column subject_id, earlier a file of scores by the same statement; a row of it
    whose subject is not among the subject_ids is kept as it is.
    """

    subject_ids: str
    earlier: Path

    def ids(self, connection: duckdb.DuckDBPyConnection) -> pa.ChunkedArray:
        """Read the ids of those to score anew."""
        select = f"SELECT subject_id::VARCHAR AS subject_id FROM {self.subject_ids}"  # noqa: S608 - a relation of our own making
        return connection.sql(select).to_arrow_table()["subject_id"]

    def people(self, relations: Mapping[str, Relation]) -> dict[str, Relation]:
        """Restrict the tables to what scores these people; accounts belong to all."""
        keys = {"people": "person_id", "events": "person_id", "adjustments": "subject_id"}
        return {
            name: found.within({keys[name]: self.subject_ids}) if name in keys else found
            for name, found in relations.items()
        }

    def accounts(self, relations: Mapping[str, Relation]) -> dict[str, Relation]:
        """Restrict the tables to what scores these accounts: themselves, their people, the events of both."""
        people = relations["people"].within({"account_id": self.subject_ids})
        members = f"(SELECT {people.expressions['person_id']} AS subject_id FROM {people.source})"  # noqa: S608 - as above
        return {
            **relations,
            "accounts": relations["accounts"].within({"account_id": self.subject_ids}),
            "people": people,
            "events": relations["events"].within({"account_id": self.subject_ids, "person_id": members}),
        }
