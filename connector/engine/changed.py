"""Restricts a run to the subjects that changed: what is read for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from connector.engine.parts import Part
from connector.engine.relations import Relation


@dataclass(frozen=True)
class Changed:
    """Name the subjects to score anew: subject_ids is a relation with the column subject_id, each id once."""

    subject_ids: str

    def view(self, part: Part) -> str:
        """Write the view `asked` of those in a part."""
        of = f" WHERE {kept}" if (kept := part.bounds("subject_id")) else ""
        return f"SELECT subject_id::VARCHAR AS subject_id FROM {self.subject_ids}{of}"  # noqa: S608 - a relation of our own making

    def count(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Count those to score anew."""
        found = connection.execute(f"SELECT COUNT(*) FROM {self.subject_ids}").fetchall()  # noqa: S608 - a relation of our own making
        return int(found[0][0])

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
