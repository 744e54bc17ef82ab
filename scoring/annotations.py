"""Comments in a statement that people read: which rule a column belongs to."""

from typing import TypeVar

from sqlglot import exp

from scoring.events import match_columns
from scoring.fit import points_column
from scoring.model import Model
from scoring.rules import EngagementRule, FitRule, MultiplyRule
from scoring.specification import event_rules

Q = TypeVar("Q", bound=exp.Query | exp.Create)


def annotated(query: Q, model: Model) -> Q:
    """Say the id and label of a rule beside the column of its points, and beside that of the events it matches."""
    rules: list[FitRule | EngagementRule | MultiplyRule] = [*model.spec.fit, *event_rules(model.spec)]
    notes = {points_column(rule.id): f"rule {rule.id}: {rule.title}" for rule in rules}
    matched = match_columns(model)
    for column in set(matched.values()):
        notes[column] = f"events of rule {', '.join(rule for rule, name in matched.items() if name == column)}"
    for alias in query.find_all(exp.Alias):
        if alias.alias in notes:
            alias.add_comments([in_comment(notes[alias.alias])])
    return query


def in_comment(text: str) -> str:
    """Write a text on one line and without what would end a comment or start one inside it."""
    return " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *")
