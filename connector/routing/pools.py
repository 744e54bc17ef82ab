"""Who gets a record: pools, and whose owner may be changed at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.crm.base import Owner
from mappings.targets import Policy


@dataclass(frozen=True)
class Pool:
    """Name owners who share work; owners are active ids in the configured order."""

    id: str
    owners: tuple[str, ...]


@dataclass
class Rota:
    """Hand out owners by weighted round robin: the fewest assignments so far wins, ties go to the lower id.

    load counts what each owner got from us before; it is state of one plan and grows as owners are handed out.
    """

    load: dict[str, int] = field(default_factory=dict)

    def next(self, pool: Pool) -> str:
        """Choose the next owner of a pool that is not empty."""
        chosen = min(pool.owners, key=lambda owner: (self.load.get(owner, 0), owner))
        self.load[chosen] = self.load.get(chosen, 0) + 1
        return chosen


def resolve_pools(pools: Mapping[str, Sequence[str]], owners: Sequence[Owner]) -> tuple[dict[str, Pool], list[str]]:
    """Turn configured e-mails or ids into active owner ids; returns the pools and every problem found.

    An inactive owner is left out without a problem: people leave, and the pool goes on without them.
    """
    known = {key.lower(): owner for owner in owners for key in (owner.id, owner.email) if key}
    problems = [
        f"[[pool]] {name}: owner {entry!r} is no user or queue of this CRM"
        for name, entries in pools.items()
        for entry in entries
        if entry.lower() not in known
    ]
    resolved = {
        name: Pool(name, tuple(found.id for entry in entries if (found := known.get(entry.lower())) and found.active))
        for name, entries in pools.items()
    }
    return resolved, problems


def may_assign(
    policy: Policy, current: str | None, pool: Pool, last_written: str | None, unassigned: frozenset[str]
) -> bool:
    """Tell whether a record's owner may be changed under the mapping's policy.

    own: always; if_empty: where it is nobody's; tracked: where it is nobody's or what we wrote last, since any other
    was chosen by a person; never: not at all. `unassigned` are ids that mean nobody: queues and our own integration
    user. An owner inside the pool is kept under every policy: the record is where it belongs.
    """
    if current in pool.owners:
        return False
    nobody = current is None or current in unassigned
    match policy:
        case "own":
            return True
        case "if_empty":
            return nobody
        case "tracked":
            return nobody or current == last_written
        case "never":
            return False
