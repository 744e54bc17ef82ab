"""Every warning of `model lint`, beside a model that does not deserve it."""

from pathlib import Path
from typing import Any

import pytest

from scoring.conditions import Condition
from scoring.contradictions import contradiction
from scoring.lint import lint
from scoring.model import load_model

Row = dict[str, Any]
HEAD = """
[model]
id = "m"
scale = { min = 0, max = 100 }
[decay]
default = { half_life = "14d" }
[[fit]]
id = "student"
when = { field = "title", is = "student" }
points = -5
"""
EVENT = "[[engagement]]\nid = 'e'\nevent = 'page_view'\npoints = 3\n"
DEMO = "[[engagement]]\nid = 'demo'\nevent = 'demo_request'\npoints = 60\ncap = 80\n"
BANDS = "[[band]]\nid = 'hot'\nat_least = 70\n[[band]]\nid = 'cold'\n"


def rule(condition: str, more: str = "points = 3") -> str:
    return f"[[fit]]\nid = 'r'\nwhen = {condition}\n{more}\n"


def found(folder: Path, text: str) -> set[tuple[str, str]]:
    file = folder / "m.toml"
    file.write_text(text if "[model]" in text else HEAD + text, encoding="utf-8")
    return {(finding.check, finding.where) for finding in lint(load_model(file))}


NOT_IN = "{ field = 'country', not_in = ['US'] }"
OF_SURGE = "[[engagement]]\nid = 's'\nevent = 'intent_surge'\npoints = 30\ncap = 75\nthird_party = true\n"
IN_SEGMENT = "[[segment]]\nid = 'g'\nwhen = { field = 'kind', is = 'x' }\n"
DOUBLED = (
    "group = 'w'\n[group.w]\n[[multiply]]\nid = 'x'\nevent = 'intent_surge'\ngroup = 'w'\nfactor = 2\nmax_points = 30\n"
)
BOUGHT = ("third_party", "band.hot")
OF_PILLAR = rule("{ field = 'kind', is = 'x' }", "points = 8\npillar = 'p'\n[pillars]\np = 2\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rule(NOT_IN, "points = 0\ngate = true"), ("nullable", "fit.r.when")),
        (f"[suppress]\nwhen = {NOT_IN}", ("nullable", "suppress.when")),
        (
            f"[model]\nid = 'm'\naudience = {{ any = [ {NOT_IN}, {{ field = 'kind', is = 'x' }} ] }}",
            ("nullable", "model.audience"),
        ),
        (
            "[[fit]]\nid = 'r'\nfield = 'employees'\nbrackets = [ { below = 0, points = 1 }, { points = 2 } ]",
            ("unreachable", "fit.r.brackets[1]"),
        ),
        (DEMO + "[[band]]\nid = 'a'\nat_least = 101", ("unreachable", "band.a")),
        (DEMO + "[[band]]\nid = 'a'\nabove = 100", ("unreachable", "band.a")),
        (rule("{ field = 'kind', is = 'x' }") + "[[band]]\nid = 'a'\nat_least = 4", ("unreachable", "band.a")),
        (DEMO + "[[band]]\nid = 'a'\nat_least = 10\n[[band]]\nid = 'b'\nat_least = 20", ("unreachable", "band.b")),
        (DEMO + "[[band]]\nid = 'a'\n[[band]]\nid = 'b'\nat_least = 20", ("unreachable", "band.b")),
        (DEMO + "[[band]]\nid = 'a'\nat_least = 0\n[[band]]\nid = 'b'", ("unreachable", "band.b")),
        (
            "[[segment]]\nid = 's'\nwhen = { field = 'kind', is = 'x' }\nband = [ { id = 'a', at_least = 200 } ]",
            ("unreachable", "segment.s.band.a"),
        ),
        (rule("{ all = [ { field = 'nps', gt = 5 }, { field = 'nps', lt = 5 } ] }"), ("never_fires", "fit.r")),
        (
            EVENT + "where = { field = 'type', is = 'call' }",
            ("never_fires", "engagement.e"),
        ),
        (EVENT + "where = { field = 'is_bot', is = true }", ("never_fires", "engagement.e")),
        (
            "[[segment]]\nid = 's'\nwhen = { all = [ { field = 'kind', is = 'x' }, { field = 'kind', is = 'y' } ] }",
            ("never_fires", "segment.s"),
        ),
        ("[[engagement]]\nid = 'q'\nno_event_for = '30d'\npoints = -3", ("never_fires", "engagement.q")),
        (EVENT + "group = 'web'\n[group.web]\ncap = 2", ("never_matters", "engagement.e")),
        (EVENT + "cap = 0", ("never_matters", "engagement.e")),
        (
            rule("{ field = 'kind', is = 'x' }", "points = -9\ngroup = 'g'\n[group.g]\nfloor = -2"),
            ("never_matters", "fit.r"),
        ),
        (rule("{ field = 'kind', is = 'x' }", "points = 0"), ("never_matters", "fit.r")),
        (
            EVENT + "group = 'web'\n[[multiply]]\nid = 'x'\nevent = 'call'\ngroup = 'web'\nfactor = 1\nmax_points = 3"
            "\n[group.web]",
            ("never_matters", "multiply.x"),
        ),
        ("[model]\nid = 'm'\n" + DEMO, ("no_negative", "file")),
        ("[model]\nid = 'm'\n" + DEMO, ("no_decay", "file")),
        (DEMO + EVENT.replace("3", "12.5"), ("passive", "engagement.e")),
        (OF_SURGE + BANDS, ("third_party", "band.hot")),
        (OF_SURGE.replace("cap = 75", "award = 'once'") + IN_SEGMENT + "points = { s = 75 }\n" + BANDS, BOUGHT),
        (OF_SURGE + "group = 'g'\n[group.g]\ncap = 9\n" + IN_SEGMENT + "caps = { g = 80 }\n" + BANDS, BOUGHT),
        (OF_SURGE.replace("75", "40") + DOUBLED + BANDS, BOUGHT),
        (DEMO + "[[band]]\nid = 'a'\nat_least = 9\nneeds = { fit_at_least = 1 }", ("unreachable", "band.a")),
        (
            rule("{ field = 'kind', is = 'x' }") + "[[band]]\nid = 'a'\nneeds = { engagement_at_least = 1 }",
            ("unreachable", "band.a"),
        ),
        (
            DEMO.replace("cap = 80", "third_party = true")
            + "[[band]]\nid = 'a'\nat_least = 9\nneeds = { engagement_at_least = 1 }",
            ("unreachable", "band.a"),
        ),
        (
            rule("{ field = 'kind', is = 'x' }", "points = 50") + IN_SEGMENT + "points = { r = 60 }\n" + BANDS,
            ("unreachable", "band.hot"),
        ),
        (
            rule("{ field = 'kind', is = 'x' }", "points = 80")
            + IN_SEGMENT
            + "points = { r = 60 }\nband = [ { id = 'a', at_least = 70 } ]",
            ("unreachable", "segment.g.band.a"),
        ),
        (OF_PILLAR + "[pillar.p]\ncap = 5", ("never_matters", "fit.r")),
        (OF_PILLAR.replace("p = 2", "p = 0"), ("never_matters", "pillars.p")),
        ("[model]\nid = 'm'\n" + EVENT, ("unbounded", "engagement.e")),
        ("".join(EVENT.replace("'e'", f"'e{n}'") for n in range(15)), ("too_many", "file")),
    ],
)
def test_a_warning(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    assert expected in found(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        DEMO + BANDS,
        DEMO + EVENT.replace("3", "12") + BANDS,
        rule("{ not = { field = 'country', in = ['US'] } }", "points = 0\ngate = true") + DEMO + BANDS,
        rule(NOT_IN) + DEMO + BANDS,
        rule("{ field = 'kind', is = 'x' }")
        + DEMO
        + "[[band]]\nid = 'a'\nat_least = 10\nneeds = { fit_at_least = 1 }\n[[band]]\nid = 'b'\nat_least = 10",
        DEMO + OF_SURGE + "[[band]]\nid = 'a'\nat_least = 70\nneeds = { engagement_at_least = 1 }",
        "[combine]\nkind = 'weighted'\nfit = 1\nengagement = 0.1\n"
        + OF_SURGE
        + rule("{ field = 'kind', is = 'x' }")
        + "[[band]]\nid = 'a'\nat_least = 10",
        rule("{ field = 'kind', is = 'x' }", "points = -9\ngroup = 'g'\n[group.g]\nfloor = 0\ncap = 5")
        + "[[fit]]\nid = 'p'\ngroup = 'g'\nwhen = { field = 'kind', is = 'y' }\npoints = 5\n"
        + DEMO,
        DEMO + EVENT + "where = { field = 'type', is = 'PAGE_VIEW' }\n" + BANDS,
        "".join(EVENT.replace("'e'", f"'e{n}'") for n in range(14)),
        rule("{ field = 'kind', is = 'x' }", "points = 50") + IN_SEGMENT + "points = { r = 80 }\n" + BANDS,
        OF_SURGE.replace("75", "40") + DOUBLED.replace("intent_surge", "call") + BANDS + DEMO,
        OF_PILLAR.replace("p = 2", "p = 9"),
    ],
)
def test_nothing_to_say(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == set()


def of(*parts: Row) -> Condition:
    return Condition.model_validate({"all": list(parts)})


NPS, KIND, SEEN = (Row(field=name) for name in ("nps", "kind", "seen_at"))


@pytest.mark.parametrize(
    ("condition", "possible"),
    [
        (of(KIND | {"is": "lead"}, KIND | {"in": ["Lead ", "x"]}), True),
        (of(KIND | {"is": "lead"}, KIND | {"is": "contact"}), False),
        (of(KIND | {"in": ["a", "b"]}, KIND | {"not_in": ["B", "A"]}), False),
        (of(KIND | {"is": "a"}, KIND | {"is_not": "a"}), False),
        (of(KIND | {"is": "3"}, KIND | {"is": 3}), True),
        (of(KIND | {"is": True}, KIND | {"is": False}), False),
        (of(KIND | {"missing": True}, KIND | {"is": "a"}), False),
        (of(KIND | {"missing": True}, {"field": "title", "is": "a"}), True),
        (of(NPS | {"gte": 5}, NPS | {"lte": 5}), True),
        (of(NPS | {"gte": 5}, NPS | {"lt": 5}), False),
        (of(NPS | {"between": [1, 3]}, NPS | {"gt": 3}), False),
        (of(NPS | {"between": [1, 3]}, NPS | {"between": [3, 4]}), True),
        (of(NPS | {"between": [3, 1]}), False),
        (of(NPS | {"in": [1, 9]}, NPS | {"gt": 2}, NPS | {"lt": 8}), False),
        (of(NPS | {"in": [1, 5]}, NPS | {"gt": 2}, NPS | {"lt": 8}), True),
        (of(SEEN | {"older_than": "30d"}, SEEN | {"newer_than": "7d"}), False),
        (of(SEEN | {"older_than": "7d"}, SEEN | {"newer_than": "30d"}), True),
        (of(SEEN | {"newer_than": "0s"}), False),
        (of({"all": [NPS | {"gt": 5}]}, {"all": [NPS | {"lt": 2}]}), False),
        (of({"any": [of(NPS | {"gt": 5}, NPS | {"lt": 2}).model_dump(by_alias=True, exclude_unset=True)]}), False),
        (of({"any": [NPS | {"gt": 5}, NPS | {"lt": 2}]}), True),
        (of({"not": NPS | {"gt": 5}}, NPS | {"gt": 5}), False),
        (of({"not": NPS | {"gt": 5}}, NPS | {"gt": 6}), True),
    ],
)
def test_what_can_never_hold(condition: Condition, possible: bool) -> None:
    assert (contradiction(condition) is None) == possible
