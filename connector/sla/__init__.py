"""The SLA clock: how soon somebody acts on a record that enters a band."""
