"""The configuration: one module for each kind of table, put together in file.py."""
