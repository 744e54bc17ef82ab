"""The loops of tests/loop, for feeds that are read beside a sandbox CRM."""

from tests.loop.conftest import crm, fresh, synced, synced_of, template_of

__all__ = ["crm", "fresh", "synced", "synced_of", "template_of"]
