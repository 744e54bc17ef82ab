"""The tables of the lake that more than one stage reads: their names, and which a model has."""

from collections.abc import Mapping
from typing import Final

from connector.models import Line
from mappings.targets import Role

MIRROR = "mirror"
FLAGS: Final = "flags"
SUCCESSORS: Final = "successors"
SCORES = "scores"
CONTRIBUTIONS = "contributions"
ACCOUNT_SCORES = "account_scores"
ACCOUNT_CONTRIBUTIONS = "account_contributions"
PERSON: Final = "person"
ACCOUNT: Final = "account"
TABLES_OF = {PERSON: (SCORES, CONTRIBUTIONS), ACCOUNT: (ACCOUNT_SCORES, ACCOUNT_CONTRIBUTIONS)}
SUBJECTS: Final[Mapping[str, tuple[Role, str]]] = {"people": (PERSON, "person_id"), "accounts": (ACCOUNT, "account_id")}
RESCORED = "rescored"  # who was scored anew by a run that kept the other rows
BANDS = "bands"  # what people saw: kept per applied plan, since hysteresis depends on it


def tables_of(line: Line) -> tuple[str, str]:
    """Name the tables that a model's scores and contributions are kept in."""
    scores, contributions = TABLES_OF[line.role]
    return (
        (scores, contributions) if line.primary else (f"{scores}@{line.model.id}", f"{contributions}@{line.model.id}")
    )
