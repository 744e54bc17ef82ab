"""The tables of the configuration that say which rows come from outside the CRM, and where from."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic import field_validator as check

from connector.settings import checks
from connector.settings.table import Table

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class SignatureSettings(Table):
    """How the messages of a webhook are signed."""

    kind: Literal["hmac", "hubspot_v3"] = Field(
        default="hmac", description="hubspot_v3 (the secret is the app's client secret), or hmac by the keys below"
    )
    header: str = Field(default="X-Signature", min_length=1, description="the header that carries the signature")
    algorithm: Literal["sha256", "sha512", "sha1"] = Field(default="sha256", description="sha256, sha512 or sha1")
    encoding: Literal["hex", "base64"] = Field(default="hex", description="hex or base64")
    prefix: str = Field(default="", description='what stands before the signature, such as "sha256="')
    timestamp_header: str | None = Field(
        default=None, description="the header with the time of sending, in seconds or milliseconds"
    )
    signed: str = Field(
        default="{body}",
        description='what is signed, such as "{timestamp}.{body}"; the time is that of timestamp_header',
    )
    tolerance_s: int = Field(default=300, ge=1, description="a message older than so many seconds is refused")

    @model_validator(mode="after")
    def _signs_the_body(self) -> "SignatureSettings":
        if "{body}" not in self.signed or ("{timestamp}" in self.signed) != (self.timestamp_header is not None):
            raise ValueError("`signed` holds {body}, and {timestamp} where there is a timestamp_header, and only there")
        return self


class FeedSettings(Table):
    """Rows from outside the CRM: intent, enrichment, product usage, tickets. Each is an event, or attributes that a
    vendor observed, of the person or account with the same e-mail address, domain or id; docs/feeds.md. One of path,
    url and inbox says where from."""

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
        json_schema_extra={"shown": True},
    )
    url: str | None = Field(
        default=None,
        description="Or an address that is asked at each sync: JSON, JSON lines, CSV or Parquet. Pages are followed by "
        "the Link header or by `next`; what was seen is not asked for again (ETag, Last-Modified)",
        examples=["https://export.acme.com/usage?days=7"],
    )
    token: SecretStr | None = Field(default=None, description="LEADLIGHT_FEED__<ID>__TOKEN", examples=[""])
    token_header: str = Field(default="Authorization", description="The header that carries the token")
    token_prefix: str = Field(default="Bearer ", description="What stands before it")
    rows: str | None = Field(
        default=None, description="Where the rows stand in a JSON answer, such as data.items", examples=["results"]
    )
    next: str | None = Field(
        default=None, description="Where the next page's address stands in it", examples=["paging.next.link"]
    )
    inbox: bool = Field(
        default=False, description="Or messages that are sent to us, at /feeds/<id> of the [inbox], and signed"
    )
    secret: SecretStr | None = Field(default=None, description="LEADLIGHT_FEED__<ID>__SECRET", examples=[""])
    signature: SignatureSettings | None = Field(
        default=None, description="How messages are signed", examples=[{"kind": "hubspot_v3"}]
    )
    unknown: Literal["hold", "drop", "create"] = Field(
        default="hold",
        description="Rows about people and accounts that the CRM does not know: hold them until it does, or drop them; "
        "or hold them and create the people, as the mapping's [create] says, from a feed of people keyed by email",
    )
    max_mb: int = Field(default=2048, ge=1, description="A larger file or answer is refused")
    max_rejects_share: float = Field(
        default=0.1, ge=0, le=1, description="A file of which a larger share of the rows cannot be read is refused"
    )

    @model_validator(mode="before")
    @classmethod
    def _same_name(cls, values: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        return {"use": values.get("id"), **values} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _one_place(self) -> "FeedSettings":
        if sum((self.path is not None, self.url is not None, self.inbox)) != 1:
            raise ValueError("a feed has one of path, url and inbox = true")
        if self.signature is not None and not self.inbox:
            raise ValueError("`signature` has a meaning with inbox = true alone")
        return self

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

    _url = check("url")(checks.web_address)

    @property
    def signed_by(self) -> SignatureSettings:
        """Say how messages are signed."""
        return self.signature or SignatureSettings()

    @property
    def holds(self) -> bool:
        """Tell whether rows of nobody known are kept."""
        return self.unknown != "drop"

    @property
    def creates(self) -> bool:
        """Tell whether people whom nobody knows are created in the CRM."""
        return self.unknown == "create"

    def secrets(self) -> list[str]:
        """List the secret values that are set, for the log's redaction."""
        return [secret.get_secret_value() for secret in (self.token, self.secret) if secret is not None]

    def said(self) -> dict[str, Any]:
        """Say what a run does with the rows: no secret, no place on this machine; a file counts by its content."""
        file = Path(self.use)
        used = file.read_text(encoding="utf-8") if file.is_file() else self.use
        return {"id": self.id, "use": used, "unknown": self.unknown, "max_rejects_share": self.max_rejects_share}


class InboxSettings(Table):
    """Where messages of feeds with inbox = true arrive, while the daemon or `leadlight feeds serve` runs. Put a proxy
    with a certificate before it: it speaks plain HTTP."""

    listen: str = Field(default="127.0.0.1:8790", description="Address and port")
    public_url: str | None = Field(
        default=None,
        description="How the senders call this address; signature hubspot_v3 needs it",
        examples=["https://hooks.acme.com"],
    )
    max_kb: int = Field(default=1024, ge=1, le=65_536, description="A larger message is refused")

    _listen = check("listen")(checks.listen_address)
    _public_url = check("public_url")(checks.origin)
