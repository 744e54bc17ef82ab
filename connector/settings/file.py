"""The configuration: one TOML file, read with LEADLIGHT_ environment variables on top, all problems told at once.

The descriptions below are the documentation; `example` renders them as config.example.toml.
"""

import hashlib
import json
from datetime import tzinfo
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, model_validator
from pydantic import field_validator as check
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.errors import ConfigError
from connector.settings import checks
from connector.settings.acting import Action
from connector.settings.audit import AuditSettings
from connector.settings.bots import BotSettings
from connector.settings.channels import unknown_channels
from connector.settings.enrichment import EnrichSettings, VendorSettings, attributes_twice
from connector.settings.example import render
from connector.settings.feeds import FeedSettings, InboxSettings
from connector.settings.hours import HoursSettings
from connector.settings.lists import ListSettings
from connector.settings.matching import MatchingSettings
from connector.settings.notices import ChannelSettings, NoticeSettings
from connector.settings.routing import PoolSettings, RouteSettings
from connector.settings.routing_checks import routing_problems
from connector.settings.signals import ConsentSettings, SignalSettings
from connector.settings.sla import SlaSettings
from connector.settings.sources import DEFAULT_STORE, PREFIX, SECRETS, merged
from connector.settings.table import Table
from connector.settings.training import TrainSettings
from mappings.lists import open_lists

Auth = Literal["client_credentials", "jwt", "token"]


class CrmSettings(Table):
    """The CRM, and how to get in. Secrets are best kept out of this file: set the environment variable named beside
    each, or the same with _FILE for a file that holds it, or a file crm_<name> in $CREDENTIALS_DIRECTORY (systemd)."""

    kind: Literal["salesforce", "hubspot"] = Field(description="salesforce or hubspot", examples=["salesforce"])
    instance_url: str = Field(
        description="Your org's own address (My Domain). HubSpot: leave it out",
        examples=["https://acme.my.salesforce.com"],
    )
    auth: Auth = Field(
        description="client_credentials (client_id, client_secret), jwt (client_id, username, private_key) or token. "
        "HubSpot: token, the default there",
        examples=["client_credentials"],
    )
    mapping: str = Field(
        description="Which fields are read and written: salesforce, hubspot, or a file of your own. Default: the kind",
        examples=["salesforce"],
    )
    ca_file: Path | None = Field(
        default=None, description="Certificate authority (PEM) of a proxy or sandbox", examples=["ca.pem"]
    )
    client_id: str | None = Field(default=None, description="Consumer key of the connected app", examples=["3MVG9..."])
    username: str | None = Field(
        default=None, description="The integration user, for auth = jwt", examples=["leadlight@acme.com"]
    )
    login_url: str | None = Field(
        default=None,
        description="Where tokens are issued. Default: instance_url",
        examples=["https://login.salesforce.com"],
    )
    api_version: str | None = Field(
        default=None, description="Default: the version this program was tested with", examples=["62.0"]
    )
    client_secret: SecretStr | None = Field(default=None, description="LEADLIGHT_CRM__CLIENT_SECRET", examples=[""])
    token: SecretStr | None = Field(default=None, description="LEADLIGHT_CRM__TOKEN", examples=[""])
    private_key: SecretStr | None = Field(
        default=None, description="LEADLIGHT_CRM__PRIVATE_KEY (PEM text)", examples=[""]
    )

    _defaults = model_validator(mode="before")(checks.crm_defaults)
    _origin = check("instance_url", "login_url")(checks.origin)
    _auth = check("auth")(checks.auth)
    _mapping = check("mapping")(checks.mapping_file)
    _version = check("api_version")(checks.api_version)
    _ca_file = check("ca_file")(checks.existing_file)

    def secrets(self) -> list[str]:
        """List the secret values that are set, for the log's redaction."""
        found = (getattr(self, name) for name in SECRETS)
        return [secret.get_secret_value() for secret in found if secret is not None]

    def require_credentials(self) -> None:
        """Raise ConfigError naming every credential that `auth` needs and that is not set; nothing is sent without."""
        missing = [name for name in checks.NEEDED[self.auth] if not getattr(self, name)]
        if missing:
            raise ConfigError([checks.missing_credential(self.auth, name) for name in missing])


class StoreSettings(Table):
    """What is kept between runs. The folder holds data about people: it is made with access for its owner alone."""

    path: Path = Field(
        default=Path(DEFAULT_STORE),
        description="A folder on a local disk, beside this file where relative",
        examples=[DEFAULT_STORE],
    )
    memory_limit_mb: int = Field(
        default=768, ge=128, description="Memory for scoring and sorting; beyond it, work spills to the disk"
    )


class ModelSettings(Table):
    """A scoring model. Several may score the same people or accounts, as product lines do; each writes its own fields.
    The first one of people is the primary one: it writes the mapping's fields, and actions are for its bands."""

    file: str = Field(
        description="A model file beside this one, or a shipped model: preset:b2b_saas, preset:simple",
        examples=["preset:b2b_saas"],
    )

    fields: str | None = Field(
        default=None,
        description="What its fields' names in the CRM begin with. Default: the mapping's own names for the first "
        "model, Leadlight_ and the id for a further one (Leadlight_Expansion_Score__c, leadlight_expansion_score)",
        examples=["Leadlight_Expansion"],
    )

    _file = check("file")(checks.model_file)
    _fields = check("fields")(checks.field_prefix)


class ScheduleSettings(Table):
    """When the daemon works: cron expressions (minute hour day month weekday; weekdays by name: mon, tue, ...)."""

    timezone: str = Field(default="UTC", description="Of the expressions below, such as Europe/Berlin")
    sync: str = Field(default="*/5 * * * *", description="Pull what changed, score whom it touches, act on it")
    rescore: str = Field(
        default="15 2 * * *",
        description="The same, and score everybody: until then, time alone changes no score",
    )

    _timezone = check("timezone")(checks.timezone)
    _cron = check("sync", "rescore")(checks.cron)

    @property
    def zone(self) -> tzinfo:
        """Return the time zone."""
        return ZoneInfo(self.timezone)


class LimitSettings(Table):
    """What a run may not exceed."""

    daily_api_share: float = Field(
        default=0.3, gt=0, le=1, description="Share of the CRM's daily API calls that we may use up"
    )
    daily_api_reserve_share: float = Field(
        default=0.2, ge=0, lt=1, description="Share of the day's calls that is left to people, whoever used the others"
    )
    max_changed_share: float = Field(
        default=0.5, ge=0, le=1, description="A plan that moves a larger share of people to another band is refused"
    )
    max_owner_share: float = Field(
        default=0.3, ge=0, le=1, description="A plan that gives a larger share of people another owner is refused"
    )
    max_task_share: float = Field(
        default=0.3, ge=0, le=1, description="A plan that makes tasks for a larger share of people is refused"
    )
    max_creates: int = Field(
        default=100,
        ge=0,
        description="A plan that creates more people whom feeds found is refused ([[feed]] unknown)",
    )
    canary_records: int = Field(
        default=200,
        ge=0,
        description="Of a plan five times as large, so many records are written first and read back; 0 for none",
    )
    min_population: int = Field(default=50, ge=0, description="Below so many people, shares are not judged")
    run_timeout: str = Field(
        default="6h", description="A run that takes longer stops cleanly, and the next one goes on: 30m, 6h"
    )
    rate_per_10s: int | None = Field(
        default=None,
        gt=0,
        description="HubSpot requests in ten seconds. Default 190; Free and Starter accounts: 99",
        examples=[190],
    )
    search_per_s: int | None = Field(
        default=None, gt=0, description="HubSpot searches in a second. Default 5", examples=[5]
    )

    _duration = check("run_timeout")(checks.duration)


class LogSettings(Table):
    """The log goes to standard error; it never holds secrets."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="console, json, or auto: console on a terminal, else json"
    )


class Settings(BaseSettings):
    """Configuration of Leadlight. Any value of a [table] can be set by LEADLIGHT_<TABLE>__<KEY> instead."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, env_prefix=PREFIX, env_nested_delimiter="__"
    )

    config_version: Literal[1] = Field(description="Shape of this file")
    crm: CrmSettings
    store: StoreSettings = StoreSettings()
    model: tuple[ModelSettings, ...] = Field(min_length=1)
    action: tuple[Action, ...] = ()
    route: tuple[RouteSettings, ...] = ()
    pool: tuple[PoolSettings, ...] = ()
    hours: tuple[HoursSettings, ...] = ()
    channel: tuple[ChannelSettings, ...] = ()
    notices: NoticeSettings = NoticeSettings()
    sla: tuple[SlaSettings, ...] = ()
    feed: tuple[FeedSettings, ...] = ()
    inbox: InboxSettings = InboxSettings()
    bots: BotSettings = BotSettings()
    vendor: tuple[VendorSettings, ...] = ()
    enrich: tuple[EnrichSettings, ...] = ()
    signals: SignalSettings = SignalSettings()
    consent: ConsentSettings = ConsentSettings()
    matching: MatchingSettings = MatchingSettings()
    lists: ListSettings = ListSettings()
    audit: AuditSettings = AuditSettings()
    train: TrainSettings = TrainSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()

    @check("action", "route", "pool", "hours", "channel", "sla", "feed", "vendor")
    @classmethod
    def _distinct(cls, value: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        if info.field_name != "action":
            return checks.distinct(value, ("band", "model") if info.field_name == "sla" else ("id",))
        for key in ("band", "rule"):
            checks.distinct(tuple(row for row in value if getattr(row, key) is not None), (key, "model"))
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load_settings` has merged: a variable of the environment never slips in unchecked."""
        return (init_settings,)

    def secrets(self) -> list[str]:
        """List the secret values that are set, for the log's redaction."""
        found = [*self.crm.secrets(), *(channel.url.get_secret_value() for channel in self.channel if channel.url)]
        return [*found, *(secret for feed in self.feed for secret in feed.secrets())]

    @property
    def hash(self) -> str:
        """Return 12 hex digits over what a run does: no secrets, no log, no place on this machine.

        A mapping file counts by its content; a model has a hash of its own.
        """
        content = self.model_dump(
            mode="json", exclude={"log": True, "store": True, "inbox": True, "crm": {*SECRETS, "ca_file"}}
        )
        content["model"] = [f"{Path(m.file).name} {m.fields}" if m.fields else Path(m.file).name for m in self.model]
        content["action"] = [{k: v for k, v in row.items() if v is not None} for row in content["action"]]
        content["channel"] = [channel.id for channel in self.channel]
        content["feed"] = [feed.said() for feed in self.feed]
        content["lists"] = open_lists(self.lists.folder).content
        mapping = Path(self.crm.mapping)
        content["crm"]["mapping"] = mapping.read_text(encoding="utf-8") if mapping.is_file() else mapping.name
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def load_settings(path: Path) -> Settings:
    """Read a configuration file; relative paths in it are taken from its folder.

    Raises ConfigError with every problem: unknown or missing keys and values, unknown LEADLIGHT_ variables, files that
    do not exist, secrets in a file that others can read.
    """
    raw, origins, problems = merged(path, Settings)
    unknown = (*routing_problems(raw), *checks.unknown_hours(raw), *unknown_channels(raw), *attributes_twice(raw))
    problems += [f"{path.name}: {problem}" for problem in unknown]
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        raise ConfigError([*problems, *checks.readable(error, path.name, origins, Settings)]) from None
    if problems:
        raise ConfigError(problems)
    return settings


def example() -> str:
    """Render config.example.toml."""
    return render(Settings)
