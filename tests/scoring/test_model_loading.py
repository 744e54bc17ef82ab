"""What the loader refuses, and that it says everything at once."""

import hashlib
from pathlib import Path

import pytest

from scoring.model import ModelError, check_known, load_model, model_events, model_fields

GOOD = """
[model]
id = "m"
[[fit]]
id = "a"
when = { field = "seniority", is = "vp" }
points = 1
[[engagement]]
id = "b"
event = "page_view"
where = { all = [ { field = "url", contains = "x" }, { field = "account.domain", present = true } ] }
points = 1
"""
SEGMENT = "[[segment]]\nid = 'x'\nwhen = { field = 'kind', is = 'lead' }\n"
FIT_C = "[[fit]]\nid = 'c'\npoints = 1\nwhen = { field = 'kind', is = 'x' }\n"
OVERRIDE = "[[override]]\nid = 'x'\nwhen = { field = 'kind', is = 'lead' }\n"
COMBINE = "[combine]\nmodel = 'x.json'\n"
ACCOUNT = GOOD.replace('id = "m"', 'id = "m"\nsubject = "account"')


def problems_of(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "m.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_model(file)
    assert all(problem.startswith(f"{file}: ") for problem in caught.value.problems)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return tuple(problem.removeprefix(f"{file}: ") for problem in caught.value.problems)


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    text = """
[model]
id = "m"
scale = { min = 0, max = nan }
audiance = { field = "kind", is = "lead" }
[[fit]]
id = "a"
group = "rolle"
when = { field = "seniority", gte = 5 }
points = inf
[[fit]]
id = "a"
when = { field = "country", equals = "US" }
points = 1
[[engagement]]
id = "b"
event = "page_view"
where = { field = "urll", contains = "x" }
points = 1
decay = { half_life = "0d" }
[[multiply]]
id = "c"
event = "demo_request"
group = "role"
factor = 0.9
max_points = 3
[group.role]
cap = 1
floor = 2
[[band]]
id = "hot"
at_least = 50
release_below = 60
[suppress]
when = { field = "email_domain", in_list = "competitor" }
"""
    found = "\n".join(problems_of(tmp_path, text))
    for part in [
        "model.scale.max: nan is not a finite number",
        "model.audiance: unknown key 'audiance', did you mean 'audience'?",
        "fit.a.points: inf is not a finite number",
        "fit.a: the id 'a' is used 2 times",
        "fit.a.group: there is no [group.rolle], did you mean 'role'?",
        "fit.a.when: 'seniority' is text: 'gte' does not apply to it",
        "fit.a.when.equals: unknown key 'equals'",
        "engagement.b.where: an event has no field 'urll', did you mean 'url'?",
        "engagement.b.decay.half_life: '0d' is too short",
        "multiply.c: factor = 0.9 is under 1",
        "multiply.c.group: [group.role] has no engagement rule to multiply",
        "group.role: floor = 2 is above cap = 1",
        "band.hot: release_below = 60 is above the threshold 50",
        "suppress.when: there is no list 'competitor', did you mean 'competitors'?",
    ]:
        assert part in found


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("[[segment]]\nid = 'x'", "segment.x.when: key 'when' is missing"),
        (SEGMENT.replace("field = 'kind', is = 'lead'", "all = []"), "segment.x.when.all: is empty"),
        (
            SEGMENT.replace("field = 'kind', is = 'lead'", "field = 'nps', between = [5]"),
            "between[2]: entry 2 is missing",
        ),
        ("[combine]\nkind = 'wieghted'", "sum, weighted, predictive, blend or rank, did you mean 'weighted'?"),
        (SEGMENT + "points = { aa = 2 }", "segment.x.points.aa: there is no rule 'aa' with points"),
        (SEGMENT + "points = { a = 'two' }", "segment.x.points: 'a': 'two' is not a number"),
        (SEGMENT + "caps = { web = 2 }", "segment.x.caps.web: there is no [group.web]"),
        (SEGMENT + "caps = { g = 2 }\n[group.g]\nfloor = 3", "floor = 3 of the group is above cap = 2"),
        (SEGMENT + "band = [{ id = 'h' }, { id = 'H' }]", "segment.x.band.h: the id 'h' is used 2 times"),
        (SEGMENT + SEGMENT, "segment.x: the id 'x' is used 2 times"),
        (SEGMENT.replace("kind", "previous_band"), "segment.x.when: 'previous_band' is written by Leadlight itself"),
        ("[rollup]\nmodel = 'x'", 'rollup: needs subject = "account" in [model]'),
        ("[[override]]\nid = 'x'", "override.x.when: key 'when' is missing"),
        (OVERRIDE, "override.x: an override has 'at_least' or 'at_most', one of them"),
        (OVERRIDE + "at_least = 1\nat_most = 2", "override.x: an override has 'at_least' or 'at_most', one of them"),
        (OVERRIDE + "at_least = 1\n" + OVERRIDE + "at_most = 1", "override.x: the id 'x' is used 2 times"),
        (OVERRIDE + "atleast = 1", "unknown key 'atleast', did you mean 'at_least'?"),
        (OVERRIDE.replace("kind", "previous_band") + "at_least = 1", "override.x.when: 'previous_band' is written"),
        ("[breadth]\nengaged_at_least = 1\npoints_each = 2", "breadth: needs a [rollup], whose people it counts"),
        ("[pillar.x]\ncap = 1", "pillar.x: [pillars] gives it no weight"),
        ("[pillars]\nx = 'a'", "pillar.x.weight: 'a' is not a number"),
        (FIT_C + "pillar = 'x'", "fit.c.pillar: [pillars] has no 'x'"),
        (
            FIT_C + "pillar = 'x'\ngroup = 'x'\n[pillars]\nx = 1\n[group.x]",
            "a rule has a 'group' or a 'pillar', not both",
        ),
        ("[pillars]\nx = 1\n[group.X]", "pillars.x: the name is used twice"),
        ("[combine]\nkind = 'blend'", "combine: kind = \"blend\" needs 'model', the file of a trained model"),
        ("[combine]\nshadow = true", "combine: shadow = true needs 'model', the file of a trained model"),
        ("[combine]\nmodel = 'x.json'", "combine: 'model' needs kind = \"predictive\""),
        (COMBINE + "kind = 'rank'\nshadow = true", "leaves the total to the rules already: leave out 'shadow'"),
        (COMBINE + "kind = 'predictive'\nfit = 1\nengagement = 2", "the model alone gives the total"),
        (COMBINE + "kind = 'blend'\nfit = 1", "the weights 'fit' and 'engagement' stand together"),
        (COMBINE + "kind = 'blend'\nshadow = 1", "combine.shadow: "),
        ("[combine]\nkind = 'add'", "combine.kind: 'add' is not one of sum, weighted, predictive, blend or rank"),
        ("[combine]\nkind = 'weighted'", "needs the weights 'fit' and 'engagement'"),
        ("[group.x]\nfloor = 2\ncap = 1", "group.x: floor = 2 is above cap = 1"),
        ("[[fit]]\nid = 'c'\npoints = 1", "a fit rule needs 'when' and 'points', or 'field' and 'brackets'"),
        ("[[fit]]\nid = 'c'\nwhen = { field = 'kind', is = 'x' }", "fit.c: key 'points' is missing"),
        ("[[fit]]\nid = 'c'\nwhen = { field = 'kind' }\npoints = 1", "needs exactly one operator, it has: none"),
        ("[[fit]]\nid = 'c'\nwhen = { field = 'kind', is = '' }\npoints = 1", "an empty text is unknown"),
        ("[[fit]]\nid = 'c'\nwhen = { field = 'kind', matches = '(?=x)' }\npoints = 1", "which RE2 does not have"),
        (
            "[[fit]]\nid = 'c'\nfield = 'nps'\nbrackets = [{ below = 2, points = 1 }, { below = 1, points = 2 }]",
            "must rise",
        ),
        ("[[fit]]\nid = 'c'\nfield = 'title'\nbrackets = [{ points = 1 }]", "'title' is not a number"),
        ("[[fit]]\nid = 'c'\nfield = 'nps'\ngate = true\nbrackets = [{ points = 1 }]", "brackets cannot be a gate"),
        ("[[fit]]\nid = 'A'\nwhen = { field = 'kind', is = 'x' }\npoints = 1", "the id 'A' is used 2 times"),
        ("[[fit]]\nid = 'c'\nwhen = { field = 'previous_band', is = 'x' }\npoints = 1", "a score must not read it"),
        ("[[engagement]]\nid = 'c'\npoints = 1", "an engagement rule needs 'event' or 'no_event_for'"),
        ("[[engagement]]\nid = 'c'\nno_event_for = '1d'\nwithin = '1d'\npoints = 1", "'within' has no meaning beside"),
        (
            "[[engagement]]\nid = 'c'\nevent = 'x'\npoints = 1\ndistinct = 'aset'",
            "no column 'aset', did you mean 'asset'?",
        ),
        (
            "[[engagement]]\nid = 'c'\nevent = 'x'\npoints = 1\nat_least = 0",
            "engagement.c.at_least: input should be greater",
        ),
        ("[[engagement]]\nid = 'c'\nevent = 'x'\npoints = 1\nwithin = '7 days'", "'7 days' is not a duration"),
        ("[grade]\nfit = { A = 1, B = 1 }", "two letters have the same lower edge"),
        ("[inactivity]\nsteps = [{ after = '2d', keep = 2 }]", "inactivity.steps[1].keep"),
        ("[[engagement]]\nid = 'c'\nevent = 'x'\npoints = 1\ncap = -1", "engagement.c.cap: input should be greater"),
        ("[decay]\ndefault = { per_week = 1.5 }", "decay.default.per_week: input should be less"),
        ("[decay]\ndefault = { halflife = '1d' }", "unknown key 'halflife', did you mean 'half_life'?"),
        ("[inactivity]", "inactivity needs 'steps' or 'per_period'"),
    ],
)
def test_one_problem(tmp_path: Path, added: str, problem: str) -> None:
    assert any(problem in found for found in problems_of(tmp_path, f"{GOOD}\n{added}\n"))


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("[rollup]\nmodel = 'x'\nk = 2", "'k' and kind = \"top_k\" belong together"),
        ("[rollup]\nmodel = 'x'\nkind = 'diminishing'", "'ratio' and kind = \"diminishing\" belong together"),
        ("[rollup]\nmodel = 'x'\nkind = 'median'", "rollup.kind: 'median' is not one of"),
        ("[rollup]\nmodel = 'x'\nrole_weights = { vp = true }", "rollup.role_weights: 'vp': True is not a number"),
        ("[rollup]\nmodel = 'x'\nbredth = {}", "unknown key 'bredth'"),
        (
            "[rollup]\nmodel = 'x'\ncoverage = { roles = [], engaged_at_least = 1, points = 1 }",
            "coverage.roles",
        ),
        ("[rollup]\nmodel = 'x'\nbreadth = {}\n[breadth]", "rollup.breadth: stands in [rollup] and beside it"),
    ],
)
def test_one_problem_of_an_account_model(tmp_path: Path, added: str, problem: str) -> None:
    assert any(problem in found for found in problems_of(tmp_path, f"{ACCOUNT}\n{added}\n"))


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ("group = 3", "group: is a table for each group"),
        ("group = { web = 3 }", "group: is a table for each group"),
        ("pillars = 3", "pillars: is a table of weights"),
        ("[pillar.x]\ncap = 1", "pillar.x: [pillars] gives it no weight"),
        ("pillar = { x = 3 }", "pillar: is a table for each pillar"),
        ("[rollup]\nmodel = 'x'\nbreadth = {}\n[breadth]", "rollup.breadth: stands in [rollup] and beside it"),
        ("[modell]\nid = 'm'", "the table [model] with an 'id' is missing"),
    ],
)
def test_a_table_without_shape_hides_nothing(tmp_path: Path, added: str, problem: str) -> None:
    head = "" if "modell" in added else ACCOUNT
    found = problems_of(tmp_path, f"{added}\n{head}\n[[fit]]\nid = 'f'\nwhne = {{}}\npoints = nan\n")
    for wanted in (problem, "fit.f.whne: unknown key 'whne', did you mean 'when'?", "nan is not a finite number"):
        assert any(wanted in one for one in found), (wanted, found)
    assert not any("nameless" in one for one in found)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "absent.toml")
    with pytest.raises(ModelError, match="there are account_based, b2b_saas, eloqua_style"):
        load_model("preset:b2b")
    with pytest.raises(ModelError, match="did you mean 'b2b_saas'"):
        load_model("preset:b2b_sass")
    assert "is not TOML" in problems_of(tmp_path, "[model\n")[0]
    assert "table [model]" in problems_of(tmp_path, "x = 1\n")[0]


def test_a_model_knows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_bytes(GOOD.encode())
    model = load_model(str(file))
    assert (model.id, model.file, model.source_text) == ("m", str(file), GOOD)
    assert model.hash == hashlib.sha256(GOOD.encode()).hexdigest()[:12]
    assert [band.id for band in model.bands] == ["hot", "warm", "cold"]
    assert model_fields(model) == {"seniority", "account.domain"}
    assert model_events(model) == {"page_view"}


def test_presets_load() -> None:
    for name in ("b2b_saas", "simple"):
        model = load_model(f"preset:{name}")
        assert model.id == name
        assert [band.id for band in model.bands] == ["hot", "warm", "cold"]


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text(GOOD.replace("page_view", "page_vieww"), encoding="utf-8")
    model = load_model(file)
    assert check_known(model, frozenset({"seniority", "account.domain"}), frozenset({"page_vieww"})) == ()
    assert check_known(model, frozenset({"seniority", "domain"}), frozenset({"page_vieww"})) == ()
    problems = check_known(model, frozenset({"senority", "nps"}), frozenset())
    assert [problem.removeprefix(f"{file}: ") for problem in problems] == [
        "there is no field 'account.domain'",
        "there is no field 'seniority', did you mean 'senority'?",
        "there is no event type 'page_vieww', did you mean 'page_view'?",
    ]
