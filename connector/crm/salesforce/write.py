"""Writes of one object: merged, cut into calls, and answered in the order they came."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.crm.base import Write, WriteResult, unsent
from connector.crm.halving import Search, not_tried
from connector.crm.salesforce.bulk_ingest import csv_of, run_job
from connector.crm.salesforce.collections_write import ROWS_PER_CALL, Item, chunks, create_rows, update_rows
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.leaving_out import landed_without, without_refused
from connector.crm.salesforce.soql import identifier
from connector.errors import AuthError, BatchRefused, ConfigError, LeadlightError, QuotaExhausted, RetryableError

FIELD_TRIES = 3
Identity = tuple[str, ...]  # what makes two writes the same record: its id, or its key


@dataclass(frozen=True)
class Sending:
    """Hold the rows of one call or job, and how to send them; is_whole where they cannot be sent in parts."""

    identities: Sequence[Identity]
    send: Callable[[Sequence[Identity]], list[WriteResult]]
    is_whole: bool = False


def write_rows(gateway: Gateway, writes: Sequence[Write]) -> list[WriteResult]:
    """Send writes of one object; a refused row is a value.

    Once something was acknowledged, an outage is a value, too: the rows not sent say retry. Before that it is raised.
    """
    source = _one_object(writes)
    if source is None:
        return []
    identities = [_identity(each) for each in writes]
    items = _merged(identities, writes)
    results = _send_lean(gateway, source, items, _send_all(list(_sendings(gateway, source, items))))
    answered: set[Identity] = set()
    ordered: list[WriteResult] = []
    for identity in identities:
        result = results[identity]
        ordered.append(replace(result, created=False) if identity in answered else result)
        answered.add(identity)
    return ordered


def _send_lean(
    gateway: Gateway, source: str, items: Mapping[Identity, Item], results: Mapping[Identity, WriteResult]
) -> dict[Identity, WriteResult]:
    """Send rows again without fields that the org does not take; Salesforce may name them one after the other."""
    told, tried = dict(results), dict(items)
    for _ in range(FIELD_TRIES):
        lean = {name: left for name, result in told.items() if (left := without_refused(tried[name], result))}
        if not lean:
            break
        try:
            again = _send_all(list(_sendings(gateway, source, lean)))
        except (RetryableError, QuotaExhausted, AuthError) as outage:
            again = dict.fromkeys(lean, unsent(outage))
        told |= {name: landed_without(told[name], after, items[name], lean[name]) for name, after in again.items()}
        tried |= lean
    return told


def _one_object(writes: Sequence[Write]) -> str | None:
    names = {each.object for each in writes}
    if len(names) > 1:
        raise ConfigError(f"one call writes one object, not {', '.join(sorted(names))}")
    return identifier(names.pop()) if names else None


def _identity(write: Write) -> Identity:
    if write.id:
        return ("id", write.id[:15])  # the 18-character form only adds a checksum
    if write.key:
        return ("key", write.key[0], write.key[1])
    raise ConfigError(f"a write to {write.object} names neither an id nor a unique key")


def _merged(identities: Sequence[Identity], writes: Sequence[Write]) -> dict[Identity, Item]:
    """Make one row of each record: of an update, later fields win; a create is the first one asked for."""
    items: dict[Identity, Item] = {}
    for identity, write in zip(identities, writes, strict=True):
        for name in write.fields:
            identifier(name)
        earlier = items.get(identity)
        if earlier is None:
            items[identity] = Item(write.fields, write.id, None if write.id else write.key, write.again)
        elif write.id:
            items[identity] = replace(earlier, fields={**earlier.fields, **write.fields})
    return items


def _sendings(gateway: Gateway, source: str, items: Mapping[Identity, Item]) -> Iterator[Sending]:
    updates = {identity: item for identity, item in items.items() if item.id}
    creates = {identity: item for identity, item in items.items() if not item.id}
    if len(updates) > gateway.settings.bulk_write_above:
        names = iter(updates)
        for body, rows in csv_of(list(updates.values())):
            # the body is bound now: the loop goes on before it is sent
            yield Sending([next(names) for _ in rows], lambda _, b=body, r=rows: run_job(gateway, source, b, r), True)  # type: ignore[misc] # mypy cannot infer a lambda's defaults
    else:
        yield from _calls(updates, lambda rows: update_rows(gateway, source, rows))
    yield from _calls(creates, lambda rows: create_rows(gateway, source, rows))


def _calls(items: Mapping[Identity, Item], send: Callable[[Sequence[Item]], list[WriteResult]]) -> Iterator[Sending]:
    for chunk in chunks(list(items), ROWS_PER_CALL):
        yield Sending(chunk, lambda names: send([items[name] for name in names]))


def _send_all(sendings: Sequence[Sending]) -> dict[Identity, WriteResult]:
    results: dict[Identity, WriteResult] = {}
    for at, sending in enumerate(sendings):
        try:
            answers = _halving(sending, sending.identities, Search(len(sending.identities)))
        except (RetryableError, QuotaExhausted, AuthError) as outage:
            if not results:
                raise
            return results | _unsent(sendings[at:], outage)
        results |= zip(sending.identities, answers, strict=True)
    return results


def _halving(sending: Sending, names: Sequence[Identity], search: Search) -> list[WriteResult]:
    """Send rows in one call; where it is refused as a whole, find the rows that spoil it so that the others land."""
    try:
        return sending.send(names)
    except BatchRefused as refused:
        if sending.is_whole or len(names) == 1:
            return [WriteResult(code=refused.code, message=refused.message)] * len(names)
        half, found = len(names) // 2, list[WriteResult]()
        for part in (names[:half], names[half:]):
            is_tried = search.goes_on()
            unknown = [not_tried(refused.code, refused.message)] * len(part)
            found += _halving(sending, part, search) if is_tried else unknown
        return found


def _unsent(sendings: Sequence[Sending], outage: LeadlightError) -> dict[Identity, WriteResult]:
    answer = unsent(outage)
    return {identity: answer for sending in sendings for identity in sending.identities}
