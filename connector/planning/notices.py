"""The notice that comes with a new episode."""

from connector.acting.actions import step_key
from connector.plan import NoticeChange
from connector.planning.draft import Draft, Rules
from connector.planning.records import Record
from connector.settings.notices import NotifyAction


def note_notice(
    rules: Rules, draft: Draft, row: Record, asked: NotifyAction, trigger: str, number: int, owner: str | None,
    *, subject: str = "person", step: str = "notify",
) -> None:  # fmt: skip
    """Ask for one message about an episode; step tells several messages of one episode apart, for ever."""
    draft.notices.append(
        NoticeChange(
            object=row["object"],
            record_id=row["record_id"],
            trigger=trigger,
            episode=number,
            key=step_key(rules.crm, row["object"], row["record_id"], trigger, step, number),
            channel=asked.channel,
            text=asked.text,
            owner_id=owner,
            account_id=row["account_id"] if subject == "person" else row["record_id"],
            band=row["band"],
            total=row["total"],
            reasons=row["reasons"],
            subject=subject,
        )
    )
