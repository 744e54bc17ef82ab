"""The models of a configuration: product lines that score people, and others that score accounts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.errors import ConfigError
from mappings.naming import ModelUse
from mappings.targets import Role
from scoring.model import AS_NAMED, Model, ModelError, load_model, load_people_model
from scoring.predict.artefact import TableModel


@dataclass(frozen=True)
class Line:
    """Bind one model to its place in a sync.

    primary: the first model of its role; its fields, bands and episodes bear plain names, those of the further ones
    the model's id. rolled is the model of people that an account model rolls up, if it does. prefix begins the names
    of its fields where the configuration says so.
    """

    model: Model
    primary: bool = True
    rolled: Model | None = None
    prefix: str | None = None

    @property
    def role(self) -> Role:
        """Tell what is scored."""
        return self.model.spec.model.subject

    @property
    def id(self) -> str | None:
        """Name the line beside the primary one, which is null."""
        return None if self.primary else self.model.id

    @property
    def named(self) -> str | None:
        """Name the line in triggers, where the primary model of people alone has no name."""
        return None if self.primary and self.role == "person" else self.model.id

    @property
    def baseline(self) -> str | None:
        """Name the line where it is kept which models were applied once."""
        return self.id if self.role == "person" else self.seat

    @property
    def seat(self) -> str:
        """Name whose bands these are in what is kept between runs."""
        return self.role if self.primary else f"{self.role}@{self.model.id}"

    @property
    def use(self) -> ModelUse:
        """Say what the mapping needs to know of it."""
        return ModelUse(self.model.id, self.role, self.primary, self.prefix)


@dataclass(frozen=True)
class Models:
    """Hold the models that a sync runs: those of people, then those of accounts, each in the order of the file."""

    lines: tuple[Line, ...]

    @property
    def people(self) -> Model:
        """Give the primary model of people."""
        return self.lines[0].model

    @property
    def name(self) -> str:
        """Name what scored: id@hash of each model."""
        return "+".join(f"{line.model.id}@{line.model.hash}" for line in self.lines)

    def of(self, role: Role) -> tuple[Line, ...]:
        """List the models of people or of accounts, the primary one first."""
        return tuple(line for line in self.lines if line.role == role)

    def place(self, model_id: str | None) -> str | None:
        """Name the line that a configuration means by a model of people; null is the primary one, named or not."""
        return None if model_id == self.people.id else model_id

    def line(self, place: str | None) -> Line:
        """Give the line of people of this name."""
        return next(line for line in self.of("person") if line.id == place)

    def known(self) -> Iterator[Model]:
        """Walk every model that is run, those that are only rolled up included, each once."""
        seen = [line.model for line in self.lines]
        seen += [line.rolled for line in self.lines if line.rolled is not None]
        return iter(dict.fromkeys(seen))


def load_models(
    sources: Sequence[tuple[str, str | None]],
    lists: Mapping[str, frozenset[str]],
    tables: Mapping[str, TableModel] | None = AS_NAMED,
) -> Models:
    """Read the models of a configuration: files or presets, each with the beginning of its fields' names.

    tables is as `load_model` has it.
    Raises ConfigError with the problems of all of them: of their files, ids that are not unique, nobody who scores
    people.
    """
    loaded: list[Line] = []
    problems: list[str] = []
    for source, prefix in sources:
        try:
            loaded.append(Line(load_model(source, lists=lists, tables=tables), prefix=prefix))
        except ModelError as error:
            problems += error.problems
    problems += _same_ids(loaded)
    if not problems and all(line.role != "person" for line in loaded):
        problems.append("model: none of them scores people; add a [[model]] that does")
    if problems:
        raise ConfigError(problems)
    return Models(tuple(_placed(loaded, lists)))


def _same_ids(lines: Sequence[Line]) -> Iterator[str]:
    """Name models that cannot be told apart; case does not tell them apart, as CRM field names know none."""
    files: dict[str, list[str]] = {}
    for line in lines:
        files.setdefault(line.model.id.lower(), []).append(line.model.file)
    for model_id, same in files.items():
        if len(same) > 1:
            yield f"model: {' and '.join(same)} have the same id ({model_id}); give each its own in its [model] table"


def _placed(loaded: Sequence[Line], lists: Mapping[str, frozenset[str]]) -> Iterator[Line]:
    people = [line for line in loaded if line.role == "person"]
    for place, line in enumerate(people):
        yield Line(line.model, primary=place == 0, prefix=line.prefix)
    for place, line in enumerate(line for line in loaded if line.role == "account"):
        yield Line(line.model, place == 0, rolled_model(line.model, people, lists), line.prefix)


def rolled_model(accounts: Model, people: Sequence[Line], lists: Mapping[str, frozenset[str]]) -> Model | None:
    """Find the model that an account model rolls up: one of this configuration, else the one beside its file.

    Null where it rolls up none; raises ConfigError.
    """
    if accounts.spec.rollup is None:
        return None
    wanted = accounts.spec.rollup.model
    here = next((line.model for line in people if line.model.id == wanted), None)
    try:
        return here or load_people_model(accounts, lists)
    except ModelError as error:
        raise ConfigError(error.problems) from None
