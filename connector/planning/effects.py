"""What an episode that opens means: tasks and a notice, each once, by a key of its own."""

from connector.acting.actions import due_at, step_key, task_key
from connector.plan import TaskChange
from connector.planning.clocks import start_clock
from connector.planning.draft import Draft, LineRules, Rules
from connector.planning.joins import note_join
from connector.planning.notices import note_notice
from connector.planning.owners import doer_of
from connector.planning.plays import RolePlayer
from connector.planning.records import Record
from connector.settings.acting import Action
from connector.settings.signals import Deed
from connector.store.state import utc_text


def plan_effects(
    rules: Rules, about: LineRules, draft: Draft, row: Record, action: Action, trigger: str, number: int,
    owner: str | None,
) -> None:  # fmt: skip
    """Ask for everything that an action does once per episode; who was there before the first plan is no news."""
    tasks: list[TaskChange] = []
    if about.tasks and action.task is not None and _wanted(rules, draft, row, "tasks"):
        doer = doer_of(rules, draft, row, action, owner)
        players: list[RolePlayer | None] = [*about.players(action, row["record_id"])]
        tasks += [_task(rules, about, row, action, trigger, number, doer, player) for player in players or [None]]
        draft.tasks += tasks
    if about.acting:
        key, first = (row["object"], row["record_id"], trigger), tasks[0] if tasks else None
        start_clock(rules, draft, key, number, first.owner_id if first else owner, first.key if first else None)
    if action.notify is not None and not about.baseline and _wanted(rules, draft, row, "notices"):
        note_notice(rules, draft, row, action.notify, trigger, number, owner, subject=about.line.role)
    if action.add_to is not None and not about.baseline and _wanted(rules, draft, row, "joins"):
        note_join(rules, draft, row, action.add_to, trigger, number, owner)


def _wanted(rules: Rules, draft: Draft, row: Record, deed: Deed) -> bool:
    """Tell whether something may be done about a person, and count what may not."""
    refused = rules.refused(row, deed)
    draft.withheld[deed] += refused
    return not refused


def _task(
    rules: Rules, about: LineRules, row: Record, action: Action, trigger: str, number: int, doer: str | None,
    player: RolePlayer | None,
) -> TaskChange:  # fmt: skip
    asked, record = action.task, (rules.crm, row["object"], row["record_id"])
    calendar = rules.calendars.of(doer, asked.hours if asked else None)
    person = about.line.role == "person"
    return TaskChange(
        object=row["object"],
        record_id=row["record_id"],
        trigger=trigger,
        episode=number,
        key=step_key(*record, trigger, f"role:{player.role}", number) if player else task_key(*record, trigger, number),
        action=action.band or action.rule or "",
        owner_id=doer,
        account_id=row["account_id"] if person else row["record_id"],
        due_at=utc_text(due_at(rules.as_of, asked.due, calendar)) if asked else None,
        band=row["band"],
        total=row["total"],
        reasons=row["reasons"],
        subject=about.line.role,
        role=player.role if player else None,
        person_object=player.object if player else None,
        person_id=player.record_id if player else None,
    )
