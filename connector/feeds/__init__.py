"""Feeds: rows from outside the CRM, landed beside what was pulled from it."""
