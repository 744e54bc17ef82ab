"""The scoring core: tables in, tables out; no clock, no files, no vendor."""
