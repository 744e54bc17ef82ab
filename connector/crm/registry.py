"""Which adapter serves which CRM; the other vendor's client library is never loaded."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import SecretStr

from connector.crm.administration import AdministeredCrm, CallList
from connector.settings.file import Settings
from mappings.model import Mapping


def connect(settings: Settings) -> AdministeredCrm:
    """Build the adapter that the configuration names; nothing is sent yet."""
    match settings.crm.kind:
        case "salesforce":
            return _salesforce(settings)
        case "hubspot":
            return _hubspot(settings)


def setup_files(mapping: Mapping, lists: Sequence[CallList], api_version: str | None) -> dict[str, str]:
    """Say as files, by relative path, what provisioning makes; asks the CRM nothing."""
    match mapping.crm:
        case "salesforce":
            from connector.crm.salesforce.files import metadata_files

            return metadata_files(mapping, lists, api_version)
        case "hubspot":
            from connector.crm.hubspot.files import definition_files

            return definition_files(mapping, lists)


def _salesforce(settings: Settings) -> AdministeredCrm:
    from connector.crm.salesforce import SalesforceSettings
    from connector.crm.salesforce import connect as connect_salesforce

    crm = settings.crm
    told = SalesforceSettings(
        instance_url=crm.instance_url,
        auth=crm.auth,
        access_token=_open(crm.token),
        client_id=crm.client_id,
        client_secret=_open(crm.client_secret),
        username=crm.username,
        private_key=_open(crm.private_key),
        login_url=crm.login_url,
        ca_file=crm.ca_file,
    )
    return connect_salesforce(replace(told, api_version=crm.api_version) if crm.api_version else told)


def _hubspot(settings: Settings) -> AdministeredCrm:
    from connector.crm.hubspot import HubSpotSettings
    from connector.crm.hubspot import connect as connect_hubspot

    rates = {
        "rate_per_10s": settings.limits.rate_per_10s,
        "search_per_s": settings.limits.search_per_s,
    }
    return connect_hubspot(
        HubSpotSettings(
            access_token=_open(settings.crm.token) or "",
            base_url=settings.crm.instance_url,
            **{name: rate for name, rate in rates.items() if rate is not None},
        )
    )


def _open(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
