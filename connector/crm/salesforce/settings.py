"""What the Salesforce adapter has to be told."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from connector.errors import ConfigError

NEEDED = {
    "token": ("access_token",),
    "client_credentials": ("client_id", "client_secret"),
    "jwt": ("client_id", "username", "private_key"),
}


@dataclass(frozen=True)
class SalesforceSettings:
    """Name the org, the way in, and the limits of the adapter; secrets do not appear in its repr.

    instance_url and login_url are origins (`https://host[:port]`); login_url is instance_url where null. private_key is
    PEM text. A read of more than `bulk_read_above` rows, or an update of more than `bulk_write_above`, goes through
    Bulk API 2.0.
    """

    instance_url: str
    auth: Literal["token", "client_credentials", "jwt"]
    access_token: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    private_key: str | None = field(default=None, repr=False)
    login_url: str | None = None
    ca_file: Path | None = None
    api_version: str = "62.0"
    bulk_read_above: int = 10_000
    bulk_write_above: int = 2_000
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 120.0
    poll_first_s: float = 0.5
    poll_max_s: float = 20.0
    job_timeout_s: float = 7_200.0

    @property
    def token_url(self) -> str:
        """Say where tokens are asked for."""
        return f"{(self.login_url or self.instance_url).rstrip('/')}/services/oauth2/token"


def _url_problem(name: str, value: str) -> str | None:
    parts = urlsplit(value)
    if (
        parts.scheme == "https"
        and parts.hostname
        and parts.path in ("", "/")
        and not parts.query
        and not parts.username
    ):
        return None
    return f"crm.{name} is {value!r}; it must be an origin such as https://acme.my.salesforce.com"


def check_settings(settings: SalesforceSettings) -> None:
    """Raise ConfigError with every problem of the settings."""
    urls = {"instance_url": settings.instance_url, "login_url": settings.login_url}
    problems = [problem for name, url in urls.items() if url is not None and (problem := _url_problem(name, url))]
    for name in NEEDED.get(settings.auth, ()):
        if not getattr(settings, name):
            problems.append(f"crm.auth is {settings.auth!r} but crm.{name} is not set")
    if settings.auth not in NEEDED:
        problems.append(f"crm.auth is {settings.auth!r}; it must be one of {', '.join(NEEDED)}")
    if not re.fullmatch(r"\d+\.0", settings.api_version):
        problems.append(f"crm.api_version is {settings.api_version!r}; it must look like 62.0")
    if settings.ca_file is not None and not settings.ca_file.is_file():
        problems.append(f"crm.ca_file {settings.ca_file} does not exist")
    if problems:
        raise ConfigError(problems)
