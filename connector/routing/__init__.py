"""Who gets a record: rules, pools, and whose owner may be changed at all."""
