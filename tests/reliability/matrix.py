"""The fault matrix: what may go wrong around a run, and what Leadlight then does; and what must hold whatever happens.

A test that shows a row carries `@pytest.mark.fault("F3")`; `make reliability` writes docs/reliability.md from both.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """State one row; not_here says why it does not apply, and is empty where it does."""

    id: str
    what: str
    held: str = ""
    not_here: str = ""


FAULTS = (
    Row(
        "F1",
        "a burst of 429 that names a wait",
        "every request waits as long as the CRM asks; the pause spends none of a row's attempts; the run completes",
    ),
    Row(
        "F2",
        "the day's API calls are used up, by us or by others",
        "the run stops with exit code 75 after at most one refused call, and keeps its outbox; the next run goes on "
        "from it; our own share of the day is a limit of its own",
    ),
    Row(
        "F3",
        "the answer to a write is lost after the CRM committed it",
        "the rows count as in flight, are found again by key or by value, and take effect once",
    ),
    Row("F4", "a request is lost before the CRM committed it", "it is sent again; nothing is lost"),
    Row(
        "F5",
        "500 to 504, with a page of HTML instead of JSON",
        "tried again with jitter, at every endpoint; a body that cannot be read is a passing fault, never a crash",
    ),
    Row(
        "F6",
        "a server that takes the request and says nothing",
        "every request has a limit for connecting and for reading, every run one for the whole; both end in exit code "
        "75 with the outbox kept",
    ),
    Row("F7", "an answer that is cut off or drips", "a write's outcome is unknown (F3); a read is repeated"),
    Row(
        "F8",
        "some rows of a batch are refused",
        "the others are acknowledged one by one; the refused ones wait in the queue with the CRM's reason",
    ),
    Row(
        "F9",
        "one row makes the CRM refuse a whole batch",
        "the row is found by halving, in at most 2 log2(n) + 2 calls; its neighbours land",
    ),
    Row(
        "F10",
        "the token expires in the middle of a run",
        "one renewal for all who wait, one repeat; a token that stays refused ends the run with exit code 5 after two "
        "calls",
    ),
    Row(
        "F11",
        "a right is missing for one object",
        "that object alone is left out, and the run names it and what the CRM said; all others are served; exit code 5",
    ),
    Row("F12", "kill -9 at any moment", "the next run brings the CRM to where an undisturbed one would have"),
    Row("F13", "a crash between a task and its links", "the links are completed; no second task is made"),
    Row(
        "F14",
        "SIGTERM in the middle of a batch",
        "the batch under way is finished and acknowledged, or left for the next run to look at, within 25 s; exit code "
        "0; a second signal ends at once",
    ),
    Row(
        "F15",
        "two processes on one store",
        "the second is refused with exit code 6 and told who writes; the lock of a dead process binds nobody",
    ),
    Row(
        "F16",
        "clocks that differ, go backwards, or change for summer",
        "cursors and scores go by the CRM's clock, with an overlap; nothing has a negative age; a daily run happens "
        "once in a day of 23 or 25 hours",
    ),
    Row(
        "F17",
        "records that become visible late, or share one time stamp",
        "every pull reads again what the one before may have missed; rows that repeat change nothing",
    ),
    Row(
        "F18",
        "records change while they are paged; a search yields 10,000 at most; a place in a list expires",
        "the set is complete; the window is read again, not the whole run",
    ),
    Row(
        "F19",
        "values that no field should hold: NaN, 1e309, half a character, the year 1, 300,000 characters",
        "what cannot be read counts as unknown; what cannot be written is refused alone; the run goes on",
    ),
    Row(
        "F20",
        "a mapped field is removed, renamed, given another type, made read-only, or loses an option",
        "its mapping is switched off and named in the warning, the run's counts, `status` and `doctor`; all else runs; "
        "nothing is tried again for ever; what comes back is used again",
    ),
    Row(
        "F21",
        "the right to read or edit a field is taken away",
        "as F20; what we can no longer read is unknown to the model, not zero",
    ),
    Row(
        "F22",
        "a record is deleted, merged into another, or a lead is converted",
        "what was to be written is dropped and its episode ends; the survivor or the contact goes on with the "
        "episode, so that nobody gets a second task",
    ),
    Row("F23", "a person gives a record to another owner while we plan or write", "the person's choice stays"),
    Row("F24", "a person closes or edits our task, then we try again", "it is neither reopened nor made again"),
    Row(
        "F25",
        "the CRM's own automation reacts to what we write",
        "our writes are no activity of the lead; two runs come to rest; no assignment rule fires for us",
    ),
    Row(
        "F26",
        "a pull gives no records, or far fewer, and calls that success",
        "what is known stays, or a guard stops the run before anything is written, with exit code 4",
    ),
    Row("F27", "a mistake in the configuration would move most of the base", "a guard stops the run; exit code 4"),
    Row(
        "F28",
        "the disk is full or cannot be written",
        "the run stops before anything is sent, with exit code 74; the store is sound; the next run goes on",
    ),
    Row(
        "F29",
        "the store is lost, or an old copy of it comes back",
        "what stands in the CRM is found again: no second task, no owner taken from anybody",
    ),
    Row(
        "F30",
        "the store is damaged, or was written by a newer version",
        "it is refused in plain words and left as it is; before every migration there is a backup",
    ),
    Row("F31", "a migration is killed half way", "the old schema or the new one, never one between"),
    Row(
        "F32",
        "no such host, a wrong certificate, a redirect to somewhere else",
        "what may pass is tried again, what may not is told; the token goes to no other host",
    ),
    Row(
        "F33",
        "rows are locked, or two writers meet",
        "the rows go again after a pause, in smaller batches",
    ),
    Row(
        "F34",
        "a notification cannot be delivered",
        "the sync ends as it would have; the notice waits in an outbox of its own, is told once, or is given up",
    ),
    Row(
        "F35",
        "the machine slept, or the daemon was down, over several scheduled times",
        "one run makes up for all of them",
    ),
    Row("F36", "a forged or repeated webhook", not_here="Leadlight receives no webhooks: it only asks"),
)  # fmt: skip

INVARIANTS = (
    Row("I1", "one task", "for each record, trigger and episode the CRM holds exactly one task of ours, and no other"),
    Row("I2", "nothing lost", "every row of the outbox ends as done, refused with a reason, or superseded"),
    Row("I3", "bounded work", "writes are at most what batches and retries need; a refusal that stays costs few calls"),
    Row("I4", "crashes leave no trace", "after faults, kills and another run, the CRM is as after an undisturbed run"),
    Row("I5", "complete", "a pull sees every record there is, and no deleted one"),
    Row("I6", "at rest", "a second run over the same facts writes nothing"),
    Row("I7", "people win", "no owner that a person chose is changed"),
    Row("I8", "our fields alone", "nothing is written outside the mapping"),
    Row("I9", "cursors", "a cursor is committed with the rows that it covers"),
    Row("I10", "secrets", "no token and no person's data in logs, messages, plans or traces"),
    Row("I11", "a plan writes nothing", "`plan` sends no request that changes anything"),
    Row("I12", "the same plan twice", "one store, configuration and time give one plan, byte for byte"),
    Row("I13", "erasure", "after `erase` no file of the store holds the person, and no later run brings them back"),
    Row("I14", "fair shares", "no owner gets more records in a day than the caps allow, also across restarts"),
)  # fmt: skip

ROWS = (*FAULTS, *INVARIANTS)
