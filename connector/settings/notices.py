"""The tables of the configuration that say who is told: channels, and what a message says."""

import re

from pydantic import Field, SecretStr
from pydantic import field_validator as check

from connector.settings import checks
from connector.settings.table import Table

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class ChannelSettings(Table):
    """Where notices go: Slack, Teams, mail, a webhook and a hundred others, by Apprise (pip install
    "leadlight[notify]"). The address is a secret: best set LEADLIGHT_CHANNEL__<ID>__URL, or the same with _FILE, or a
    file channel_<id> in $CREDENTIALS_DIRECTORY."""

    id: str = Field(description="Named by notify.channel: letters, digits and _", examples=["sales"])
    url: SecretStr | None = Field(
        default=None, description="Apprise address, such as slack://... or json://host/path", examples=[""]
    )

    @check("id")
    @classmethod
    def _plain_id(cls, value: str) -> str:
        if not _ID.fullmatch(value):
            raise ValueError(f"{value!r} cannot name a variable; letters, digits and _, a letter first")
        return value


class NotifyAction(Table):
    """Whom to tell, and what; a failure of the channel never fails a run."""

    channel: str = Field(description="id of a [[channel]]", examples=["sales"])
    text: str = Field(
        min_length=1,
        description="template of plain text; knows what a task knows, and url, the record's page",
        examples=["{{ name }} of {{ company }} is {{ band }} ({{ score }}): {{ url }}"],
    )

    _template = check("text")(checks.template)


class NoticeSettings(Table):
    """How notices are sent."""

    max_per_run: int = Field(
        default=20, ge=1, description="More than so many for one channel in a run become one message that counts them"
    )
    give_up_after: str = Field(default="1d", description="A notice that could not be sent for so long is stale")

    _duration = check("give_up_after")(checks.duration)
