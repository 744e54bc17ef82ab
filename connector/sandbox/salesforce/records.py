"""Create, change and delete records as the API does, one row at a time inside a transaction."""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce import cascades, rules
from connector.sandbox.salesforce.campaigns import FIRST_STATUSES, add_statuses
from connector.sandbox.salesforce.catalog import View
from connector.sandbox.salesforce.duplicates import refuse_duplicates
from connector.sandbox.salesforce.errors import CrmError, not_found
from connector.sandbox.salesforce.ids import canonical_id, record_id
from connector.sandbox.salesforce.locks import locks_parents_when_new
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec, is_required
from connector.sandbox.salesforce.org import Call, Org
from connector.sandbox.salesforce.tracking import track
from connector.sandbox.salesforce.values import UnreadableError, convert, type_error
from connector.sandbox.storage import Transaction, quote

DELETED = ("ENTITY_IS_DELETED", "entity is deleted")


class Writer:
    """Write rows of one request.

    auto_assign overrules the request's header; columns numbers the CSV columns of a bulk job, null for JSON.
    """

    def __init__(
        self,
        org: Org,
        transaction: Transaction,
        call: Call,
        *,
        auto_assign: str | None = None,
        columns: Mapping[str, int] | None = None,
    ) -> None:
        self._org, self._transaction, self._call, self._columns = org, transaction, call, columns
        self._auto_assign = auto_assign or call.header_flag("sforce-auto-assign")
        self._view: View = org.view

    def create(self, spec: ObjectSpec, fields: Mapping[str, Any]) -> str:
        """Create a record and give its id; raises CrmError where it is refused."""
        _require(spec, "create", "inserted")
        values = self._checked(spec, fields, "c")
        missing = [name for name, field in spec.fields.items() if is_required(field) and values.get(name) is None]
        if missing:
            raise required(missing)
        values = {**self._defaults(spec), **values}
        rules.check_new(self._org, spec, values)
        values |= rules.derived(self._org, spec, {}, values)
        # before unique values, which the saving itself refuses:
        # https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_triggers_order_of_execution.htm
        refuse_duplicates(self._org, self._call, spec, {}, values)
        rules.check_unique(self._org.storage, spec, values, None)
        self._call.claims.claim(None, spec.name, *([values] if locks_parents_when_new(spec.name, values) else []))
        new_id = record_id(spec.name, self._org.storage.next_number(spec.name, first=1_000_000_000))
        track(self._org, spec, new_id, {}, values)
        self._transaction.insert(spec.name, new_id, values)
        if spec.name == "Campaign":
            add_statuses(self._org.storage, new_id, self._org.clock.now_ms(), "connector", FIRST_STATUSES)
        self._assign(spec, new_id)
        return new_id

    def update(self, spec: ObjectSpec, record_id: str, fields: Mapping[str, Any]) -> None:
        """Change a record; raises CrmError where it is gone or the change is refused."""
        before = self.living(spec, record_id)
        _require(spec, "edit", "updated")
        values = self._checked(spec, fields, "u")
        rules.check_change(self._org, spec, before, values)
        cleared = [name for name, value in values.items() if value is None and is_required(spec.fields[name])]
        if cleared:
            raise required(cleared)
        rules.check_unique(self._org.storage, spec, values, record_id)
        values |= rules.derived(self._org, spec, before, values)
        refuse_duplicates(self._org, self._call, spec, before, values)
        self._call.claims.claim(record_id, spec.name, before, values)
        track(self._org, spec, record_id, before, values)
        self._transaction.update(spec.name, record_id, values)
        self._assign(spec, record_id)

    def delete(self, spec: ObjectSpec, record_id: str) -> None:
        """Mark a record deleted; raises CrmError where it is gone."""
        before = self.living(spec, record_id)
        _require(spec, "delete", "deleted")
        self._call.claims.claim(record_id, spec.name, before)
        cascades.delete(self._org, self._transaction, spec.name, record_id)

    def upsert(self, spec: ObjectSpec, key: FieldSpec, value: Any, fields: Mapping[str, Any]) -> tuple[str, bool]:  # noqa: ANN401 - any JSON value
        """Update the record whose key has this value, or create one; gives its id and whether it is new.

        Raises CrmError DUPLICATE_EXTERNAL_ID where several records match.
        """
        matches = matching(self._org, spec, key, value)
        if len(matches) > 1:
            listed = ", ".join(found[:15] for found in matches)
            message = f"{key.name}: more than one record found for external id field: [{listed}]"
            raise CrmError("DUPLICATE_EXTERNAL_ID", message, [key.name])
        if matches:
            self.update(spec, matches[0], fields)
            return matches[0], False
        if key.name == "Id" and value not in (None, ""):
            raise CrmError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        own = {} if key.name == "Id" else {key.name: value}
        return self.create(spec, {**fields, **own}), True

    def living(self, spec: ObjectSpec, record_id: str) -> dict[str, Any]:
        """Give a record's row; raises CrmError where it is deleted or never was."""
        row = self._org.storage.get(spec.name, record_id, deleted=True)
        if row is None:
            raise not_found()
        if row["_deleted"]:
            raise CrmError(*DELETED, (), 404)
        return row

    def _checked(self, spec: ObjectSpec, fields: Mapping[str, Any], access: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        refused = []
        for key, value in fields.items():
            if key.lower() in ("attributes", "id"):
                continue
            field = self._view.field(spec.name, key)
            if field is None:
                raise CrmError("INVALID_FIELD", f"No such column '{key}' on sobject of type {spec.name}", None)
            if access not in field.access:
                refused.append(field.name)
                continue
            values[field.name] = self._converted(field, value)
        if refused:
            raise read_only(refused)
        for name, value in values.items():
            if value is not None and spec.fields[name].type == "reference":
                rules.check_reference(self._org, spec, spec.fields[name], value)
        return values

    def _converted(self, field: FieldSpec, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        try:
            return convert(field, value)
        except UnreadableError:
            column = None if self._columns is None else self._columns.get(field.name, 0)
            raise type_error(field, value, column) from None

    def _defaults(self, spec: ObjectSpec) -> dict[str, Any]:
        made = {
            name: int(field.default) if isinstance(field.default, bool) else field.default
            for name, field in spec.fields.items()
            if field.default is not None and field.column is not None
        }
        return {**made, "OwnerId": self._org.credentials.user_id} if "OwnerId" in spec.fields else made

    def _assign(self, spec: ObjectSpec, record_id: str) -> None:
        owner = rules.assigned_owner(self._org, spec, self._auto_assign)
        if owner is not None:
            before = self._org.storage.get(spec.name, record_id) or {"_id": record_id}
            track(self._org, spec, record_id, before, {"OwnerId": owner}, "automation")
            self._transaction.update(spec.name, record_id, {"OwnerId": owner}, actor="automation")


def matching(org: Org, spec: ObjectSpec, key: FieldSpec, value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Give the ids of living records whose key has this value."""
    if value in (None, ""):
        return []
    if key.name == "Id":
        found = canonical_id(str(value))
        if found is None:
            raise CrmError("MALFORMED_ID", f"malformed id {value}")
        return [found] if org.storage.get(spec.name, found) else []
    statement = f"SELECT _id FROM {quote(spec.name)} WHERE {quote(key.name)} = ? COLLATE NOCASE AND _deleted = 0"  # noqa: S608 - quoted names
    return [row[0] for row in org.storage.query(statement, [str(value)])]


def _require(spec: ObjectSpec, operation: str, done: str) -> None:
    if operation not in spec.operations:
        raise CrmError("INVALID_TYPE_FOR_OPERATION", f"entity type cannot be {done}: {spec.label}", ())


def required(names: list[str]) -> CrmError:
    """Refuse a row that lacks required fields."""
    return CrmError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", names)


def read_only(names: list[str]) -> CrmError:
    """Refuse a row that writes fields the user may not."""
    message = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set."
    )
    return CrmError("INVALID_FIELD_FOR_INSERT_UPDATE", message, names)
