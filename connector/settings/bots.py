"""The table of the configuration that says which events are taken for a machine's."""

import hashlib
import json
from ipaddress import ip_network
from typing import Literal

from pydantic import Field, field_validator

from connector.settings.table import Table


class BotSettings(Table):
    """Events that no person made: mail scanners open and click what people only receive. They never count, and those
    of the past leave the scores too. What the CRM itself marks as a bot's never counts anyhow."""

    enabled: bool = Field(default=True, description="false: only what the CRM marks is left out")
    links: int = Field(
        default=3, ge=0, description="So many different links clicked by one person within links_s; 0 for any number"
    )
    links_s: float = Field(default=2.0, gt=0, description="seconds")
    burst: int = Field(
        default=20, ge=0, description="So many opens, clicks and page views of one person within burst_s; 0 for any"
    )
    burst_s: float = Field(default=10.0, gt=0, description="seconds")
    unopened: Literal["soon", "always", "never"] = Field(
        default="soon",
        description="A click in a mail that was not opened before: soon after it was sent (unopened_s), always (also "
        "takes people for machines whose mail program hides opens), or never",
    )
    unopened_s: float = Field(default=60.0, gt=0, description="seconds after the mail was sent")
    honeypots: tuple[str, ...] = Field(
        default=(),
        description="Parts of addresses that are hidden from people; whoever follows one is a machine, and what it "
        "opened and clicked within five minutes of it too",
    )
    agents: tuple[str, ...] = Field(
        default=(
            "bot",
            "crawler",
            "spider",
            "headless",
            "python-requests",
            "curl/",
            "barracuda",
            "mimecast",
            "proofpoint",
        ),
        description="Parts of a user agent that name a machine",
    )
    agent_props: tuple[str, ...] = Field(
        default=("user_agent", "userAgent"), description="Properties of an event that hold the user agent"
    )
    networks: tuple[str, ...] = Field(
        default=(), description="Networks of data centres, from which no person reads mail, such as 203.0.113.0/24"
    )
    address_props: tuple[str, ...] = Field(
        default=("ip", "ip_address"), description="Properties of an event that hold the address it came from"
    )

    @field_validator("honeypots", "agents")
    @classmethod
    def _not_blank(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not part.strip() for part in value):
            raise ValueError("a blank part is in every text; leave it out")
        return tuple(part.strip().lower() for part in value)

    @field_validator("networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [text for text in value if not _is_network(text)]
        if wrong:
            raise ValueError(f"not a network: {', '.join(wrong)}; write 203.0.113.0/24 or 2001:db8::/32")
        return value

    @property
    def version(self) -> str:
        """Return 12 hex digits of what decides; with another one, all events are looked at anew."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:12]


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
