"""A workflow: when a contact's property takes a value, other properties are set.

The switch `automations.workflow` is `{"when": {property: value}, "set": {property: value}}`. Of a vendor's workflows
this is the simplest; how soon one runs is not documented, here it does at once, as an automation.
"""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.hubspot.account import Account
from connector.sandbox.hubspot.objects import ObjectType
from connector.sandbox.storage import Transaction


def enroll(
    account: Account,
    transaction: Transaction,
    kind: ObjectType,
    number: str,
    before: Mapping[str, Any],
    written: Mapping[str, str],
) -> None:
    """Run the workflow where a write has just made its conditions true."""
    workflow = account.switches.automations.get("workflow")
    if not workflow or kind.plural != "contacts":
        return
    wanted = {str(name): str(value) for name, value in workflow["when"].items()}
    now = {**before, **written}
    met, was_met = (all(held.get(name) == value for name, value in wanted.items()) for held in (now, before))
    if met and not was_met:
        values = {str(name): str(value) for name, value in workflow["set"].items()}
        transaction.update(kind.plural, number, values, actor="automation")
