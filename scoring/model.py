"""A model file as data: frozen, hashed, and every error of the file told at once."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import Field, ValidationError

from scoring.checks import cross_problems
from scoring.conditions import leaves
from scoring.limits import limit_problems
from scoring.lists import read_lists
from scoring.names import nearest
from scoring.predict.artefact import Feature, TableError, TableModel, read_table
from scoring.predict.checks import table_problems
from scoring.predict.rules_alone import rules_alone
from scoring.problems import in_one_line, readable
from scoring.rules import Band
from scoring.schema import BUILT_IN_FIELDS, EVENT_TYPES
from scoring.shapes import in_shape
from scoring.specification import Specification, conditions, event_conditions, event_rules, every_band
from scoring.values import Frozen

AS_NAMED: Final[Mapping[str, TableModel]] = MappingProxyType({})
"""Every trained model is the one in the file that its model names."""

_NEXT: Final = "train one (leadlight train) and put it in use (leadlight model use)"


class ModelError(ValueError):
    """A model cannot be used; `problems` has one line each, with file, key and the nearest valid name."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Model(Frozen):
    """A model that passed every check.

    `hash` is 12 hex digits of the file's sha256, and of the trained model's version where it names one; `file` is where
    it came from, `lists` are the named lists its conditions use, with their entries as the list files have them.
    """

    id: str
    hash: str
    file: str
    source_text: str = Field(repr=False)
    spec: Specification
    lists: tuple[tuple[str, frozenset[str]], ...] = Field((), repr=False)
    table: TableModel | None = Field(None, repr=False)

    @property
    def bands(self) -> tuple[Band, ...]:
        """Give the bands in file order, then those that only a segment has."""
        found = {band.id: band for _, band in reversed(every_band(self.spec))}
        order = dict.fromkeys(band.id for _, band in every_band(self.spec))
        return tuple(found[name] for name in order)

    def __hash__(self) -> int:
        return hash((self.id, self.hash))


def load_model(
    source: str | Path,
    lists: Mapping[str, frozenset[str]] | None = None,
    tables: Mapping[str, TableModel] | None = AS_NAMED,
) -> Model:
    """Read a model from a path or `preset:NAME`; raises ModelError with every problem of the file.

    `lists` are the named lists of `in_list`; the ones that ship with the product are used where a name is absent.
    `tables` are trained models, by the id of the model, in place of the file that it names; with null it is read as
    its rules alone, whether that file is there or not.
    """
    file, content = _content(source)
    raw = _parsed(file, content)
    if too_much := limit_problems(raw):
        raise _refused(file, too_much)
    known_lists = {**read_lists(), **(lists or {})}
    specification, problems = _specification(raw)
    problems += cross_problems(raw, tuple(known_lists))
    if problems or specification is None:
        raise _refused(file, problems)
    if tables is None:
        specification, table = rules_alone(specification), None
    else:
        table = _table(file, specification, tables.get(specification.model.id))
    used = _used_lists(specification)
    return Model(
        id=specification.model.id,
        hash=hashlib.sha256(content + (table.version.encode() if table else b"")).hexdigest()[:12],
        file=file,
        source_text=_text(content),
        spec=specification,
        lists=tuple((name, known_lists[name]) for name in sorted(used)),
        table=table,
    )


def _table(file: str, specification: Specification, given: TableModel | None) -> TableModel | None:
    """Read the trained model that a model file names, beside it, unless one is given; raises ModelError."""
    name = specification.combine.model
    if name is None:
        return None
    if file.startswith("preset:"):
        raise _refused(file, ["combine.model: a preset has no trained model: copy the preset to a file of yours"])
    try:
        table = given or read_table((Path(file).parent / name).read_bytes())
    except OSError as error:
        raise _refused(file, [f"combine.model: {name}: cannot be read ({error.strerror}); {_NEXT}"]) from None
    except TableError as error:
        raise _refused(file, [f"combine.model: {name}: {problem}" for problem in error.problems]) from None
    if problems := table_problems(specification, table):
        raise _refused(file, [f"combine.model: {name}: {problem}" for problem in problems])
    return table


def table_path(model: Model) -> Path | None:
    """Name the file of the trained model that a model reads; null where it names none."""
    name = model.spec.combine.model
    return Path(model.file).parent / name if name is not None else None


def _refused(file: str, problems: Iterable[str]) -> ModelError:
    return ModelError(tuple(f"{file}: {in_one_line(problem)}" for problem in dict.fromkeys(problems)))


def load_people_model(model: Model, lists: Mapping[str, frozenset[str]] | None = None) -> Model | None:
    """Read the person model that an account model rolls up: ID.toml beside its file, else the preset of that name.

    Null where the model has no roll-up. Raises ModelError, also where that model is another or scores accounts.
    """
    if model.spec.rollup is None:
        return None
    name = model.spec.rollup.model
    beside = Path(model.file).with_name(f"{name}.toml")
    is_beside = not model.file.startswith("preset:") and beside.is_file()
    if not is_beside and name not in _presets():
        near = nearest(name, _presets())
        raise _refused(model.file, [f"rollup.model: there is no {name}.toml beside it and no preset '{name}'{near}"])
    people = load_model(beside if is_beside else f"preset:{name}", lists)
    if people.spec.model.subject != "person":
        raise _refused(model.file, [f"rollup.model: '{name}' scores accounts; name the model that scores their people"])
    if people.id != name:
        raise _refused(model.file, [f"rollup.model: {people.file} holds the model '{people.id}', not '{name}'"])
    return people


def _content(source: str | Path) -> tuple[str, bytes]:
    text = str(source)
    if text.startswith("preset:"):
        names, name = _presets(), text.removeprefix("preset:")
        if name not in names:
            said = f"{in_one_line(text)}: there is no such preset{nearest(name, names)} (there are {', '.join(names)})"
            raise ModelError((said,))
        return text, (resources.files("scoring") / "presets" / f"{name}.toml").read_bytes()
    try:
        return text, Path(source).read_bytes()
    except OSError as error:
        raise ModelError((f"{in_one_line(text)}: cannot be read ({error.strerror})",)) from None
    except ValueError:
        raise ModelError((f"{in_one_line(text)}: is not the name of a file",)) from None


def _presets() -> list[str]:
    entries = (entry.name for entry in (resources.files("scoring") / "presets").iterdir())
    return sorted(name.removesuffix(".toml") for name in entries if name.endswith(".toml"))


def _text(content: bytes) -> str:
    """Decode, without the mark that some editors put first."""
    return content.decode("utf-8-sig")


def _parsed(file: str, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(content))
    except UnicodeDecodeError:
        raise ModelError((f"{file}: is not UTF-8 text",)) from None
    except tomllib.TOMLDecodeError as error:
        raise ModelError((f"{file}: is not TOML: {in_one_line(str(error))}",)) from None
    except RecursionError:
        raise ModelError((f"{file}: nests far too deeply to be read",)) from None


def _specification(raw: dict[str, Any]) -> tuple[Specification | None, list[str]]:
    shaped, problems = in_shape(raw)
    try:
        specification = Specification.model_validate(shaped)
    except ValidationError as error:
        return None, problems + readable(error, shaped)
    return (None if problems else specification), problems


def _used_lists(specification: Specification) -> frozenset[str]:
    every = conditions(specification) + event_conditions(specification)
    return frozenset(leaf.in_list for condition in every for leaf in leaves(condition) if leaf.in_list is not None)


def model_fields(model: Model) -> frozenset[str]:
    """Name the subject's fields that the model reads, such as `seniority` and `account.revenue`."""
    spec = model.spec
    fields = {leaf.field for condition in conditions(spec) for leaf in leaves(condition) if leaf.field}
    fields |= {rule.field for rule in spec.fit if rule.field}
    fields |= {feature.read_field for feature in features_of(model) if feature.read_field}
    in_events = (leaf.field for condition in event_conditions(spec) for leaf in leaves(condition) if leaf.field)
    return frozenset(fields | {field for field in in_events if field.startswith("account.")})


def needed_fields(model: Model) -> frozenset[str]:
    """Name the fields that must be filled to some share before the model scores anybody."""
    return model.spec.needs_quality.fields if model.spec.needs_quality else frozenset()


def features_of(model: Model) -> tuple[Feature, ...]:
    """Give the features that the trained model reads; none without one."""
    return model.table.features if model.table else ()


def model_events(model: Model) -> frozenset[str]:
    """Name the event types that the model reads."""
    of_features = frozenset(event for feature in features_of(model) for event in feature.event or ())
    return rule_events(model) | of_features


def rule_events(model: Model) -> frozenset[str]:
    """Name the event types that the rules read."""
    return frozenset(event for rule in event_rules(model.spec) for event in rule.event or ())


def check_known(model: Model, fields: frozenset[str], events: frozenset[str]) -> tuple[str, ...]:
    """Say which fields and event types of the model do not exist, with the nearest that do.

    `fields` and `events` are what a mapping or the data provide, the columns of accounts as `account.X`; the canonical
    event types and the model's own exist always.
    """
    derived = {name for name, origin in BUILT_IN_FIELDS.items() if origin in fields}
    known = fields | derived
    if model.spec.model.subject == "account":
        known |= {name.removeprefix("account.") for name in fields if name.startswith("account.")}
    problems = []
    for field in sorted(model_fields(model) | needed_fields(model)):
        if field not in known and field.removeprefix("account.") not in known:
            problems.append(f"{model.file}: there is no field '{field}'{nearest(field, known)}")
    allowed = EVENT_TYPES | events | frozenset(model.spec.events.custom)
    for event in sorted(model_events(model) - allowed):
        problems.append(f"{model.file}: there is no event type '{event}'{nearest(event, allowed)}")
    return tuple(problems)
