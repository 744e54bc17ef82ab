"""Several models in one configuration: what is refused, and what each problem says."""

from pathlib import Path

import pytest

from connector.compose import load_parts
from connector.errors import ConfigError
from connector.provisioning import planned_fields

CONFIG = """config_version = 1
[crm]
kind = "{crm}"
instance_url = "https://acme.example"
mapping = "{mapping}"
{models}
{actions}
"""
PERSON = '[model]\nid = "{id}"\n[[fit]]\nid = "vp"\nwhen = {{ field = "seniority", is = "vp" }}\npoints = 1\n'
BANDS = '[[band]]\nid = "expand"\nat_least = 1\n[[band]]\nid = "steady"\n'
ACCOUNT = '[model]\nid = "companies"\nsubject = "account"\n'


def configuration(
    folder: Path, *files: str, actions: str = "", crm: str = "salesforce", mapping: str | None = None
) -> Path:
    """Write a configuration of these models; text after a blank is more keys of a [[model]]."""
    (folder / "one.toml").write_text(PERSON.format(id="new_business"), encoding="utf-8")
    (folder / "two.toml").write_text(PERSON.format(id="expansion") + BANDS, encoding="utf-8")
    (folder / "three.toml").write_text(PERSON.format(id="Expansion"), encoding="utf-8")
    (folder / "accounts.toml").write_text(ACCOUNT, encoding="utf-8")
    names = [file.partition(" ") for file in files]
    models = "\n".join(f'[[model]]\nfile = "{name}.toml"\n{keys}' for name, _, keys in names)
    if mapping is not None:
        (folder / "mapping.toml").write_text(f'extends = "{crm}"\n{mapping}', encoding="utf-8")
    text = CONFIG.format(
        crm=crm, mapping="mapping.toml" if mapping is not None else crm, models=models, actions=actions
    )
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusals(path: Path) -> list[str]:
    """Load a configuration that is wrong, and give its problems."""
    with pytest.raises(ConfigError) as error:
        load_parts(path)
    return list(error.value.problems)


def action(band: str, model: str | None = None) -> str:
    """Write an action."""
    return f'[[action]]\nband = "{band}"\ntask = {{ subject = "Call" }}\n' + (f'model = "{model}"\n' if model else "")


def test_one_model_keeps_the_mappings_names(tmp_path: Path) -> None:
    fields = planned_fields(configuration(tmp_path, "one"))
    assert "Lead.Leadlight_Score__c" in fields
    assert len(fields) == 27


@pytest.mark.parametrize(
    ("crm", "expected"),
    [
        ("salesforce", {"Contact.Leadlight_Expansion_Why__c", "Lead.Leadlight_Expansion_Scored_At__c"}),
        ("hubspot", {"contacts.leadlight_expansion_why", "contacts.leadlight_expansion_scored_at"}),
    ],
)
def test_a_further_model_has_names_of_its_own(tmp_path: Path, crm: str, expected: set[str]) -> None:
    alone = planned_fields(configuration(tmp_path, "one", crm=crm))
    both = planned_fields(configuration(tmp_path, "one", "two", crm=crm))
    assert len(both) - len(alone) == (16 if crm == "salesforce" else 8)
    assert set(alone) < set(both)
    assert expected <= set(both) - set(alone)


@pytest.mark.parametrize(
    ("crm", "name"), [("salesforce", "Lead.Acme_X_Score__c"), ("hubspot", "contacts.acme_x_score")]
)
def test_a_configuration_may_choose_how_names_begin(tmp_path: Path, crm: str, name: str) -> None:
    assert name in planned_fields(configuration(tmp_path, "one", 'two fields = "Acme_X"', crm=crm))


def test_a_mapping_may_name_the_fields_of_a_model(tmp_path: Path) -> None:
    mapping = '[write.model.expansion]\nscore = { field = "Upsell__c", from = "total", min_delta = 5 }\n'
    path = configuration(tmp_path, "one", "two", mapping=mapping)
    fields = planned_fields(path)
    assert "Lead.Upsell__c" in fields
    assert not [name for name in fields if "Expansion" in name]
    _, _, bound = load_parts(path)
    assert bound.write.specs("person", "expansion")["score"].min_delta == 5
    assert bound.write.specs("person", None)["score"].min_delta == 1


def test_the_model_that_rolls_up_finds_people_by_their_id(tmp_path: Path) -> None:
    path = configuration(tmp_path, "accounts", "one", "two")
    (tmp_path / "accounts.toml").write_text(ACCOUNT + '[rollup]\nmodel = "expansion"\nkind = "max"\n', "utf-8")
    _, models, _ = load_parts(path)
    assert [(line.model.id, line.primary) for line in models.lines] == [
        ("new_business", True), ("expansion", False), ("companies", True)
    ]  # fmt: skip
    rolled = models.lines[-1].rolled
    assert rolled is not None
    assert rolled.id == "expansion"


@pytest.mark.parametrize("files", [("one", "one"), ("two", "three")])
def test_ids_are_unique_whatever_their_case(tmp_path: Path, files: tuple[str, str]) -> None:
    (problem,) = refusals(configuration(tmp_path, *files))
    assert "have the same id" in problem
    assert all(f"{name}.toml" in problem for name in files)


def test_somebody_must_score_people(tmp_path: Path) -> None:
    (problem,) = refusals(configuration(tmp_path, "accounts"))
    assert "none of them scores people" in problem


def test_two_models_that_write_one_field_are_named_both(tmp_path: Path) -> None:
    (problem,) = refusals(configuration(tmp_path, "one", 'two fields = "Leadlight"'))
    assert problem.startswith("models new_business and expansion write to the same fields (leadlight_score__c, ")
    assert "[write.model.expansion]" in problem
    mapping = '[write.model.expansion]\nscore = { field = "leadlight_score__C", from = "total" }\n'
    (problem,) = refusals(configuration(tmp_path, "one", "two", mapping=mapping))
    assert "(leadlight_score__c)" in problem


def test_names_that_a_crm_does_not_take_are_told_with_its_limit(tmp_path: Path) -> None:
    (problem,) = refusals(configuration(tmp_path, "one", 'two fields = "A_very_long_beginning_of_some_names"'))
    assert "46 characters" in problem
    assert "40 at most" in problem
    for wrong in ("1st", "a__b", "tail_", "sp ace", ""):
        (problem,) = refusals(configuration(tmp_path, "one", f'two fields = "{wrong}"'))
        assert "model[2].fields" in problem


def test_a_mapping_that_names_no_model_is_told_the_nearest(tmp_path: Path) -> None:
    mapping = '[write.model.expantion]\nscore = { field = "Upsell__c", from = "total" }\n'
    (problem,) = refusals(configuration(tmp_path, "one", "two", mapping=mapping))
    assert problem == "mapping: write.model.expantion: no [[model]] has this id, did you mean 'expansion'?"


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (
            action("expand"),
            "model new_business has no such band; it has hot, warm, cold; model expansion has: set model",
        ),
        (action("hot", "expansion"), "model expansion has no such band; it has expand, steady; model new_business has"),
        (action("expand", "expantion"), "no [[model]] has the id 'expantion', did you mean 'expansion'?"),
        (action("expand", "companies"), "model companies has no such band"),
        (action("hot") + action("hot", "new_business"), "another [[action]] is for this band of model new_business"),
    ],
)
def test_actions_name_bands_of_models_that_there_are(tmp_path: Path, actions: str, said: str) -> None:
    (problem,) = refusals(configuration(tmp_path, "one", "two", "accounts", actions=actions))
    assert said in problem


def test_equal_bands_of_two_models_are_two_actions(tmp_path: Path) -> None:
    (tmp_path / "four.toml").write_text(PERSON.format(id="renewal"), encoding="utf-8")
    load_parts(configuration(tmp_path, "one", "four", actions=action("hot") + action("hot", "renewal")))
    (problem,) = refusals(configuration(tmp_path, "one", actions=action("hot") + action("hot")))
    assert "'hot' occurs more than once" in problem


def test_the_hash_tells_prefixes_and_models_of_actions(tmp_path: Path) -> None:
    plain, _, _ = load_parts(configuration(tmp_path, "one", actions=action("hot")))
    named, _, _ = load_parts(configuration(tmp_path, "one", actions=action("hot", "new_business")))
    prefixed, _, _ = load_parts(configuration(tmp_path, 'one fields = "Acme"', actions=action("hot")))
    assert len({plain.hash, named.hash, prefixed.hash}) == 3
