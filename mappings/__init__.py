"""CRM fields to canonical columns and back: data first, code second."""
