"""HubSpot behind the CRM port; import it only where HubSpot is the CRM, as its client library is large."""

from connector.crm.hubspot.crm import HubSpotCrm, connect
from connector.crm.hubspot.settings import HubSpotSettings

__all__ = ["HubSpotCrm", "HubSpotSettings", "connect"]
