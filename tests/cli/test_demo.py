"""A newcomer's two minutes, and scoring plain files."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.commands import Shell, refused

LOADED = re.compile(r"""(?:src|srcset|data|action)\s*=\s*["']?\s*(?:https?:)?//|<link|<script|@import|url\(""", re.I)


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_the_demo_shows_a_whole_loop_and_a_second_run_with_nothing_to_do(
    crm: str, shell: Shell, tmp_path: Path
) -> None:
    ran = shell.run("demo", "--crm", crm, "--people", 150, "--once", "--json", "--folder", tmp_path / "demo")
    assert ran.code == 0, ran.err
    told = ran.json
    assert (told["crm"], told["second_run"]["changes"], told["applied"]["rejected"]) == (crm, 0, 0)
    assert told["plan"]["tasks"] > 0
    assert told["scored"]["people"] >= 135
    assert told["pulled"]["people"] >= 150
    assert {"pulled", "scored", "plan", "applied", "second_run", "bands", "report", "url"} <= set(told)
    assert sum(told["bands"].values()) == told["scored"]["people"]
    check_page(Path(told["report"]))
    lead = shell.run("status", "-c", told["config"], "--json").json
    assert lead["tables"]["scores"] == told["scored"]["people"]


def check_page(path: Path) -> None:
    """Check that a page stands alone and may be read by its owner only."""
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert "default-src 'none'" in text
    assert LOADED.search(text) is None
    assert text.count("<tr>") == 11  # the head and ten leads
    assert "<svg" in text


PEOPLE = """person_id,email,title,seniority,country,created_at,tier
p1,ana@acme.example,CTO,c_level,DE,2026-01-02T03:04:05Z,gold
p2,ben@acme.example,Clerk,staff,FR,2026-01-02T03:04:05Z,
"""
EVENTS = """event_id,type,occurred_at,person_id,url
e1,demo_request,2026-06-01T00:00:00Z,p1,
e2,page_view,2026-06-02T00:00:00Z,p1,https://acme.example/pricing
e3,demo_request,2026-07-02T00:00:00Z,p2,
"""


def test_plain_files_are_scored_without_any_crm(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    out, parts = tmp_path / "scores.parquet", tmp_path / "parts.parquet"
    told = shell.run(
        "score", "--model", "preset:b2b_saas", "--data", tmp_path, "--as-of", "2026-07-01", "-o", out,
        "--contributions", parts, "--json",
    ).json  # fmt: skip
    assert (told["people"], told["events"]) == (2, 3)
    assert {"people", "accounts", "events", "seconds", "cpu_seconds", "peak_rss_mb"} <= set(told)
    scores = {row["subject_id"]: row for row in pq.read_table(out).to_pylist()}
    assert set(scores["p1"]) >= {
        "subject_id", "model_id", "model_hash", "as_of", "state", "fit", "engagement", "total", "band", "fit_grade",
        "engagement_grade", "reasons",
    }  # fmt: skip
    rows = pq.read_table(parts).to_pylist()
    for subject_id, row in scores.items():
        points = sum(part["points"] for part in rows if part["subject_id"] == subject_id)
        assert abs(points - row["total"]) < 1e-9
    assert scores["p1"]["engagement"] > 0
    assert scores["p2"]["engagement"] == 0  # asked for a demo after the instant that is scored


def test_plain_files_need_all_of_their_options(shell: Shell, tmp_path: Path) -> None:
    refused(shell.run("score", "--model", "preset:simple", "--data", tmp_path), 2, "--as-of and -o")


def test_a_statement_is_printed_for_another_dialect(shell: Shell) -> None:
    ran = shell.run("sql", "--model", "preset:simple", "--dialect", "postgres", "--as-of", "2026-07-01")
    assert ran.code == 0
    assert "SELECT" in ran.out
