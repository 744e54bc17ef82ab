"""HubSpot's CRM API as the sandbox serves it."""
