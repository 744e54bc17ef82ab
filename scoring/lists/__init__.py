"""The named lists that ship with the engine: small fallbacks for models that run without a CRM mapping."""

from importlib import resources


def read_lists() -> dict[str, frozenset[str]]:
    """Read every packaged list; blank lines and lines that start with `#` are skipped."""
    files = (entry for entry in resources.files("scoring.lists").iterdir() if entry.name.endswith(".txt"))
    return {file.name.removesuffix(".txt"): entries(file.read_text("utf-8")) for file in files}


def entries(text: str) -> frozenset[str]:
    """Read the entries of a list file, one a line."""
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))
