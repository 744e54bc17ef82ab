"""The columns that a statement expects where no data are at hand: the canonical ones, and those that the model adds."""

from collections.abc import Iterable, Mapping

from scoring.conditions import leaves, operand_type
from scoring.model import Model, features_of, model_fields
from scoring.predict.artefact import Feature
from scoring.schema import BUILT_IN_FIELDS, TABLES, ColumnType
from scoring.specification import conditions


def assumed_columns(models: Iterable[Model]) -> dict[str, dict[str, ColumnType]]:
    """Give the columns of every table; a field that is not canonical is of the type it is compared with."""
    columns = {name: dict(table.columns) for name, table in TABLES.items()}
    for model in models:
        of_account = model.spec.model.subject == "account"
        for field, kind in compared_types(model).items():
            table = "accounts" if of_account or field.startswith("account.") else "people"
            columns[table].setdefault(field.removeprefix("account."), kind)
    return columns


def custom_columns(columns: Mapping[str, Mapping[str, ColumnType]]) -> dict[str, ColumnType]:
    """Give, as table.column, what is not canonical."""
    return {
        f"{table}.{name}": kind
        for table, kinds in columns.items()
        for name, kind in kinds.items()
        if name not in TABLES[table].columns
    }


def compared_types(model: Model) -> dict[str, ColumnType]:
    """Give the type of every field of a subject that the model compares (brackets: numbers) or a trained one reads."""
    types: dict[str, ColumnType] = {rule.field: "number" for rule in model.spec.fit if rule.field is not None}
    for condition in conditions(model.spec):
        for leaf in leaves(condition):
            field = leaf.field or ""
            if leaf.operands:
                types[field] = operand_type(leaf.operands[0])
            elif leaf.older_than is not None or leaf.newer_than is not None:
                types[field] = "datetime"
    for feature in features_of(model):
        if feature.read_field is not None:
            types.setdefault(feature.read_field, _read_as(feature))
    known = {field: types.get(field, "text") for field in model_fields(model)}
    return {field: kind for field, kind in known.items() if not _is_canonical(field)}


def _read_as(feature: Feature) -> ColumnType:
    if feature.kind == "tenure_days":
        return "datetime"
    return "text" if feature.role == "categorical" else "number"


def _is_canonical(field: str) -> bool:
    name = field.removeprefix("account.")
    return name in BUILT_IN_FIELDS or any(name in TABLES[table].columns for table in ("people", "accounts"))
