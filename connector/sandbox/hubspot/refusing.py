"""Refusals on request: locks, conflicts, a migration and spent limits, counted down through the control settings.

No recording of any of them. 423, 477 and its Retry-After: the vendor's page on errors, which gives no bodies. 429: the
vendor's usage guidelines. 409 of two writers: named by the vendor without a body.
"""

from connector.sandbox.hubspot.limits import POLICIES, refusal
from connector.sandbox.hubspot.objects import ObjectType
from connector.sandbox.hubspot.wire import ApiError
from connector.sandbox.state import Switches

MIGRATING_S = 3600
WRITES_ALONE = ("LOCKED", "CONFLICT")
REFUSALS = frozenset({*POLICIES, *WRITES_ALONE, "MIGRATING"})


def refuse(switches: Switches, *, reads: bool, search: bool, exempt: bool) -> None:
    """Raise the refusal that stands next for such a call.

    LOCKED and CONFLICT strike writes, SECONDLY searches, TEN_SECONDLY_ROLLING what that limit counts, DAILY and
    MIGRATING every call.
    """
    counted = {"SECONDLY": search, "TEN_SECONDLY_ROLLING": not search and not exempt}
    for name in ("MIGRATING", "DAILY", *counted, *WRITES_ALONE):
        strikes = counted.get(name, not reads if name in WRITES_ALONE else True)
        if strikes and switches.take("refusals", name):
            raise told(name, switches)


def told(name: str, switches: Switches) -> ApiError:
    """Make the refusal of a name."""
    if name in POLICIES:
        return refusal(name, switches)
    if name == "LOCKED":
        return locked()
    if name == "CONFLICT":
        return ApiError(409, "Another request is writing the same objects. Try again.", "CONFLICT")
    error = ApiError(477, "This account is being migrated between data hosting locations.", "MIGRATION_IN_PROGRESS")
    error.headers = {"Retry-After": str(switches.retry_after_s or MIGRATING_S)}
    return error


def locked() -> ApiError:
    """Make the 423 of records that are being written; the vendor's locks last two seconds."""
    return ApiError(423, "The requested objects are locked. Wait two seconds and try again.", "LOCKED")


def refuse_locked(switches: Switches, kind: ObjectType, number: str) -> None:
    """Raise 423 where the settings say that a record is locked."""
    if switches.locked_records and switches.take("locked_records", f"{kind.plural}/{number}"):
        raise locked()
