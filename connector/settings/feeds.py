"""The tables of the configuration that say which rows come from outside the CRM, and where from."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic import field_validator as check

from connector.settings.table import Table

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class FeedSettings(Table):
    """Rows from outside the CRM: intent, enrichment, product usage, tickets. Each is an event, or attributes that a
    vendor observed, of the person or account with the same e-mail address, domain or id; docs/feeds.md."""

    id: str = Field(description="Letters, digits and _; part of the rows' ids, so keep it", examples=["bombora"])
    use: str = Field(
        description="What the columns mean: a feed that ships with the product (see mappings/feeds), or a TOML file of "
        "your own. Default: the id",
        examples=["bombora"],
    )
    path: str | None = Field(
        default=None,
        description="A file, a folder or a pattern: CSV, JSON lines or Parquet",
        examples=["./drop/bombora/*.csv"],
    )
    unknown: Literal["hold", "drop"] = Field(
        default="hold",
        description="Rows about people and accounts that the CRM does not know: hold them until it does, or drop them",
    )
    max_mb: int = Field(default=2048, ge=1, description="A larger file is refused")
    max_rejects_share: float = Field(
        default=0.1, ge=0, le=1, description="A file of which a larger share of the rows cannot be read is refused"
    )

    @model_validator(mode="before")
    @classmethod
    def _same_name(cls, values: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        return {"use": values.get("id"), **values} if isinstance(values, dict) else values

    @check("id")
    @classmethod
    def _plain_id(cls, value: str) -> str:
        if not _ID.fullmatch(value):
            raise ValueError(f"{value!r} cannot name a variable; letters, digits and _, a letter first")
        return value

    @check("use")
    @classmethod
    def _file(cls, value: str) -> str:
        if value.endswith(".toml") and not Path(value).is_file():
            raise ValueError(f"{value} does not exist")
        return value

    def said(self) -> dict[str, Any]:
        """Say what a run does with the rows: no secret, no place on this machine; a file counts by its content."""
        file = Path(self.use)
        used = file.read_text(encoding="utf-8") if file.is_file() else self.use
        return {"id": self.id, "use": used, "unknown": self.unknown, "max_rejects_share": self.max_rejects_share}
