"""A model that asks for better facts refuses to score: through the command line, with the flag that lets it pass."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import pipeline
from connector.audit.gate import unmet
from connector.cli import app, guarded
from connector.compose import open_job
from connector.errors import UnsafePlan
from connector.pipeline import Options
from scoring.lint import lint
from scoring.model import ModelError
from tests.audit.facts import MODEL, judged, model_of
from tests.loop.loops import MODEL as TITLES
from tests.loop.loops import Loop, copy_of, make_template

NEEDS = "\n[needs_quality]\n"


def ran(loop: Loop, *words: str) -> int:
    return guarded(lambda: app([*words, "-c", str(loop.config)]))


def ask(loop: Loop, needs: str) -> None:
    (loop.folder / "model.toml").write_text(TITLES + NEEDS + needs, encoding="utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template("salesforce", tmp_path_factory.mktemp("gate"))


@pytest.fixture
def loop(template: Path, tmp_path: Path) -> Iterator[Loop]:
    with copy_of("salesforce", template, tmp_path / "loop") as found:
        yield found


def test_score_refuses_and_says_what_is_missing(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    ask(loop, "outcomes_at_least = 40\nfill = { buying_role = 0.5 }\n")
    assert ran(loop, "pull") == 0
    capsys.readouterr()
    assert ran(loop, "score") == 4
    told = " ".join(capsys.readouterr().err.split())
    assert "guard needs_quality: model titles: outcomes is graded 0, 40 is needed" in told
    assert "buying_role is known of 0%, 50% is needed" in told
    assert "pass --allow needs_quality" in told
    assert ran(loop, "score", "--allow", "needs_quality") == 0
    assert ran(loop, "plan", "--allow", "needs_quality") == 0
    assert ran(loop, "sync", "--allow", "needs_quality") == 0
    assert ran(loop, "sync") == 4


def test_a_refused_sync_writes_no_score_and_keeps_what_it_pulled(loop: Loop) -> None:
    ask(loop, "outcomes_at_least = 40\n")
    mark = loop.mark()
    with open_job(loop.config, writer=True, writes_crm=True) as job:
        with pytest.raises(UnsafePlan):
            pipeline.sync(job, Options())
        assert job.lake.relation("scores") is None
        assert job.lake.relation("people") is not None
    assert loop.writes(mark) == []


def test_a_model_that_asks_for_little_scores(loop: Loop) -> None:
    ask(loop, "fill = { seniority = 0.3 }\nduplicates_at_least = 50\n")
    assert loop.sync(backfill=True).status == "ok"
    assert loop.people()["p00"]["fields"][loop.words.band] == "hot"


def test_what_passed_is_judged_again_after_a_day_or_by_another_model(loop: Loop) -> None:
    ask(loop, "fill = { seniority = 0.3 }\n")
    loop.sync()
    for who in loop.people():
        loop.retitle(who, "Wizard")
    loop.sync(allowed=("changed_bands",))
    loop.advance(86_400)
    with pytest.raises(UnsafePlan, match="seniority is known of 0%"):
        loop.sync()


def test_the_audit_of_a_store_is_told_and_exits_1(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    ask(loop, "overall_at_least = 95\n")
    assert ran(loop, "sync", "--allow", "needs_quality") == 0
    capsys.readouterr()
    assert ran(loop, "audit") == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "there are no opportunities: nobody can say whether the score is right" in told
    assert "model titles would refuse to score: overall is graded" in told
    assert ran(loop, "audit", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert {area["name"] for area in found["areas"]} == {"fields", "activity", "outcomes", "duplicates", "consistency"}
    assert all(finding["next"] for finding in found["findings"])


def test_plain_files_are_refused_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = model_of(tmp_path, TITLES + NEEDS + "fill = { country = 0.5 }\n")
    (tmp_path / "people.csv").write_text(
        "person_id,seniority,country\np1,c_level,\np2,vp,DE\np3,vp,\n", encoding="utf-8"
    )
    files = ["--model", model.file, "--data", str(tmp_path), "--as-of", "2026-07-01", "-o", str(tmp_path / "s.parquet")]
    assert guarded(lambda: app(["score", *files])) == 4
    assert "country is known of 33%, 50% is needed" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "s.parquet").exists()
    assert guarded(lambda: app(["score", *files, "--allow", "needs_quality"])) == 0
    assert (tmp_path / "s.parquet").exists()


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ("overall_at_least = 101", "overall_at_least"),
        ("overal_at_least = 60", "did you mean"),
        ("fill = { industry = 2 }", "industry: a share is more than 0 and at most 1"),
        ("", "asks for nothing"),
    ],
)
def test_wrong_tables_are_told(tmp_path: Path, needs: str, told: str) -> None:
    with pytest.raises(ModelError) as refused:
        model_of(tmp_path, MODEL + NEEDS + needs)
    assert told in "\n".join(refused.value.problems)


@pytest.mark.parametrize(
    ("needs", "where"),
    [
        ("fill = { title = 0.5 }", "needs_quality.fill.title"),
        ("outcomes_at_least = 0", "needs_quality.outcomes_at_least"),
        ("overall_at_least = 100", "needs_quality.overall_at_least"),
    ],
)
def test_lint_tells_what_is_probably_not_meant(tmp_path: Path, needs: str, where: str) -> None:
    assert where in [found.where for found in lint(model_of(tmp_path, MODEL + NEEDS + needs))]


def test_every_key_is_measured(tmp_path: Path) -> None:
    needs = """
overall_at_least = 90
fields_at_least = 90
duplicates_at_least = 90
consistency_at_least = 90
outcomes_at_least = 90
activity_at_least = 90
newest_event_within = "2d"
fill = { seniority = 0.9, "account.industry" = 0.9 }
"""
    model = model_of(tmp_path, MODEL + NEEDS + needs)
    assert unmet(model, judged(model)) == []
    spoil = [
        "UPDATE people SET seniority = NULL, email = 'a@b.example', created_at = TIMESTAMP '2030-01-01'",
        "UPDATE accounts SET industry = NULL, employees = -1",
        "DELETE FROM events WHERE occurred_at > TIMESTAMP '2026-06-01'",
        "DELETE FROM outcomes",
    ]
    told = "\n".join(unmet(model, judged(model, spoil)))
    for area in ("overall", "fields", "duplicates", "consistency", "outcomes", "activity"):
        assert f"{area} is graded" in told
    assert "seniority is known of 0%, 90% is needed" in told
    assert "account.industry is known of 0%, 90% is needed" in told
    assert "the newest event is 30." in told
