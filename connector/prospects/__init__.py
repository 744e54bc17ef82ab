"""People whom only a feed knows, and who are created in the CRM where the mapping says so."""
