"""The Salesforce adapter: REST, sObject Collections and Bulk API 2.0 behind the CRM port."""

from connector.crm.salesforce.crm import SalesforceCrm, connect
from connector.crm.salesforce.settings import SalesforceSettings

__all__ = ["SalesforceCrm", "SalesforceSettings", "connect"]
