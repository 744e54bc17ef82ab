"""SOQL: the part of the grammar that connectors speak; what it does not know is MALFORMED_QUERY."""
