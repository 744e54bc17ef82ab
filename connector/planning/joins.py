"""What an episode that opens puts a person on: a campaign, a list, a sequence."""

from connector.acting.actions import step_key
from connector.plan import JoinChange
from connector.planning.draft import Draft, Rules
from connector.planning.records import Record
from connector.settings.acting import AddAction


def note_join(
    rules: Rules, draft: Draft, row: Record, asked: AddAction, trigger: str, number: int, owner: str | None
) -> None:
    """Ask for a person to be put on something, once per episode."""
    what = "campaign" if asked.campaign else "list" if asked.list else "sequence"
    to = str(asked.campaign or asked.list or asked.sequence)
    draft.joins.append(
        JoinChange(
            object=row["object"],
            record_id=row["record_id"],
            trigger=trigger,
            episode=number,
            key=step_key(rules.crm, row["object"], row["record_id"], trigger, f"{what}:{to}", number),
            what=what,
            to=to,
            status=asked.status,
            user_id=asked.user_id,
            sender=asked.sender,
            owner_id=owner,
        )
    )
