"""What a condition says: a field and one operator, or a combination of conditions."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from scoring.regular import pattern_problems
from scoring.schema import ColumnType
from scoring.values import AnyOperand, DurationSeconds, Frozen, Operand, Text, filled

_COMBINATORS = ("all_", "any_", "not_")

_OF_EVERY_TYPE = ("missing", "present")
_EQUALITY = ("is_", "is_not", "in_", "not_in")
_ORDER = ("gt", "gte", "lt", "lte", "between")
_TEXT = ("in_list", "contains", "contains_any", "starts_with", "matches")
_AGE = ("older_than", "newer_than")

_OPERATORS_BY_TYPE: dict[ColumnType, tuple[str, ...]] = {
    "text": _EQUALITY + _TEXT + _OF_EVERY_TYPE,
    "number": _EQUALITY + _ORDER + _OF_EVERY_TYPE,
    "boolean": _EQUALITY + _OF_EVERY_TYPE,
    "datetime": _EQUALITY + _ORDER + _AGE + _OF_EVERY_TYPE,
    "list": ("contains", "contains_any", *_OF_EVERY_TYPE),
    "map": _EQUALITY + _ORDER + _TEXT + _AGE + _OF_EVERY_TYPE,
}


def pattern(value: object) -> str:
    """Read a regular expression of the RE2 family; raises ValueError."""
    text = filled(value)
    problems = [f"{text!r} {problem}" for problem in pattern_problems(text)]
    if problems:
        raise ValueError("\n".join(problems))
    return text


class Condition(Frozen):
    """One condition; exactly one of its operators or combinators is set."""

    field: Text | None = None
    is_: AnyOperand | None = Field(default=None, alias="is")
    is_not: AnyOperand | None = None
    in_: tuple[AnyOperand, ...] | None = Field(default=None, alias="in", min_length=1)
    not_in: tuple[AnyOperand, ...] | None = Field(default=None, min_length=1)
    in_list: Text | None = None
    contains: Text | None = None
    contains_any: tuple[Text, ...] | None = Field(default=None, min_length=1)
    starts_with: Text | None = None
    matches: Annotated[str, PlainValidator(pattern)] | None = None
    gt: AnyOperand | None = None
    gte: AnyOperand | None = None
    lt: AnyOperand | None = None
    lte: AnyOperand | None = None
    between: tuple[AnyOperand, AnyOperand] | None = None
    missing: Literal[True] | None = None
    present: Literal[True] | None = None
    older_than: DurationSeconds | None = None
    newer_than: DurationSeconds | None = None
    all_: tuple["Condition", ...] | None = Field(default=None, alias="all", min_length=1)
    any_: tuple["Condition", ...] | None = Field(default=None, alias="any", min_length=1)
    not_: "Condition | None" = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        said = sorted(self.model_fields_set - {"field"})
        combined = [name for name in said if name in _COMBINATORS]
        if combined:
            if len(said) > 1 or self.field is not None:
                raise ValueError(f"'{shown(combined[0])}' stands alone: put the rest inside it")
        elif self.field is None:
            raise ValueError("a condition needs a 'field' and one operator, or one of 'all', 'any', 'not'")
        elif len(said) != 1:
            names = ", ".join(shown(name) for name in said) or "none"
            raise ValueError(f"a condition on '{self.field}' needs exactly one operator, it has: {names}")
        return self

    @property
    def operator(self) -> str:
        """Name the one operator or combinator as the Python attribute that holds it."""
        return next(iter(self.model_fields_set - {"field"}))

    @property
    def operands(self) -> tuple[Operand, ...]:
        """Give the operands of a comparison as a tuple; empty for `missing`, `present` and ages."""
        value = getattr(self, self.operator)
        if self.operator in (*_OF_EVERY_TYPE, *_AGE, *_COMBINATORS):
            return ()
        return value if isinstance(value, tuple) else (value,)


def shown(operator: str) -> str:
    """Spell an attribute as the model file does (`is_` is `is`)."""
    return operator.rstrip("_")


def leaves(condition: Condition | None) -> Iterator[Condition]:
    """Walk the comparisons of a condition, in file order."""
    if condition is None:
        return
    if condition.not_ is not None:
        yield from leaves(condition.not_)
    elif condition.all_ is not None or condition.any_ is not None:
        for part in (condition.all_ or ()) + (condition.any_ or ()):
            yield from leaves(part)
    else:
        yield condition


def negates(condition: Condition) -> bool:
    """Tell whether a condition holds a `not`."""
    parts = (condition.all_ or ()) + (condition.any_ or ())
    return condition.not_ is not None or any(negates(part) for part in parts)


def operand_problems(condition: Condition | None, type_of: Callable[[str], ColumnType | None]) -> list[str]:
    """Say which comparisons do not fit the type of their field; `type_of` gives None where it is not known."""
    problems = []
    for leaf in leaves(condition):
        field = leaf.field or ""
        column_type = type_of(field)
        if column_type is not None and (problem := _misfit(leaf, column_type)):
            problems.append(f"'{field}' is {_NOUN[column_type]}: {problem}")
    return problems


_NOUN: dict[ColumnType, str] = {
    "text": "text",
    "number": "a number",
    "boolean": "true or false",
    "datetime": "a time",
    "list": "a list",
    "map": "of any type",
}


def _misfit(leaf: Condition, column_type: ColumnType) -> str | None:
    allowed = _OPERATORS_BY_TYPE[column_type]
    if leaf.operator not in allowed:
        return f"'{shown(leaf.operator)}' does not apply to it (use {', '.join(shown(name) for name in allowed)})"
    kinds = {operand_type(value) for value in leaf.operands}
    if column_type == "map":
        mixed = len(kinds) > 1 or (leaf.operator in _ORDER and not kinds <= {"number", "datetime"})
        return (
            f"'{shown(leaf.operator)}' needs operands of one type, numbers or times where it orders" if mixed else None
        )
    wanted: ColumnType = "text" if column_type == "list" else column_type
    wrong = sorted(kinds - {wanted})
    return f"'{shown(leaf.operator)}' compares it with {_NOUN[wrong[0]]}" if wrong else None


def operand_type(value: Operand) -> ColumnType:
    """Give the column type that an operand compares with."""
    match value:
        case bool():
            return "boolean"
        case float():
            return "number"
        case str():
            return "text"
        case _:
            return "datetime"


def in_words(condition: Condition) -> str:
    """Tell a condition in the words of the model file.

    >>> in_words(Condition.model_validate({"field": "opted_out", "is": True}))
    'opted_out is true'
    """
    if condition.not_ is not None:
        return f"not ({in_words(condition.not_)})"
    if condition.all_ is not None or condition.any_ is not None:
        word = " and " if condition.all_ is not None else " or "
        return word.join(map(in_words, condition.all_ or condition.any_ or ()))
    value = condition.model_dump(mode="json")[condition.operator]
    operands = value if isinstance(value, list | tuple) else [value]
    told = ", ".join("true" if one is True else "false" if one is False else str(one) for one in operands)
    name = condition.operator.rstrip("_")
    return f"{condition.field} {name}" if name in ("missing", "present") else f"{condition.field} {name} {told}"
