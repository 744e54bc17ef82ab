"""The CRM port and its adapters."""
