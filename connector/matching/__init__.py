"""Finds the account of a person whom the CRM links to none, and says why."""
