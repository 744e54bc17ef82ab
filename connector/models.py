"""The models of a configuration: one of people, and one of accounts where it is wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.errors import ConfigError
from scoring.model import Model, ModelError, load_model, load_people_model


@dataclass(frozen=True)
class Models:
    """Bind the models that a sync runs; rolled is the model of people that the account model rolls up, if it does."""

    people: Model
    accounts: Model | None = None
    rolled: Model | None = None

    @property
    def name(self) -> str:
        """Name what scored: id@hash of each model."""
        models = (self.people, *((self.accounts,) if self.accounts else ()))
        return "+".join(f"{model.id}@{model.hash}" for model in models)


def load_models(sources: Sequence[str], lists: Mapping[str, frozenset[str]]) -> Models:
    """Read the models of a configuration; raises ConfigError with the problems of all their files."""
    loaded: list[Model] = []
    problems: list[str] = []
    for source in sources:
        try:
            loaded.append(load_model(source, lists=lists))
        except ModelError as error:
            problems += error.problems
    people = [model for model in loaded if model.spec.model.subject == "person"]
    accounts = [model for model in loaded if model.spec.model.subject == "account"]
    if not problems:
        problems += _count_problems(people, accounts)
    if problems:
        raise ConfigError(problems)
    return _bound(people[0], accounts[0] if accounts else None, lists)


def _count_problems(people: Sequence[Model], accounts: Sequence[Model]) -> list[str]:
    counted = (("people", len(people), 1), ("accounts", len(accounts), 0))
    return [
        f"model: {n} models of {name} are given, a sync runs one; keep one such [[model]]"
        for name, n, least in counted
        if not least <= n <= 1
    ]


def _bound(people: Model, accounts: Model | None, lists: Mapping[str, frozenset[str]]) -> Models:
    """Find the model that an account model rolls up: the people's own where the ids agree, else the one beside it."""
    if accounts is None or accounts.spec.rollup is None:
        return Models(people, accounts)
    if accounts.spec.rollup.model == people.id:
        return Models(people, accounts, people)
    try:
        return Models(people, accounts, load_people_model(accounts, lists))
    except ModelError as error:
        raise ConfigError(error.problems) from None
