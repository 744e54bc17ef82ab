"""What a model file and the trained model that it names must agree on."""

from scoring.predict.artefact import TableModel
from scoring.specification import Specification


def table_problems(specification: Specification, table: TableModel) -> list[str]:
    """Say why this trained model cannot be part of this model file."""
    problems = []
    subject, scale = specification.model.subject, specification.model.scale
    if table.subject != subject:
        problems.append(f"is trained on {table.subject}s, the model scores {subject}s")
    if specification.combine.blends and table.rules is None:
        problems.append('has no alpha and beta, for it was trained without a score of rules: use kind = "predictive"')
    if scale.min is None or scale.max is None or scale.min == scale.max:
        problems.append("needs a scale with two ends in [model], such as scale = { min = 0, max = 100 }")
    return problems
