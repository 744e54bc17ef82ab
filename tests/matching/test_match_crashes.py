"""Matching under kills: a run that was cut off has changed nothing, and the next one does it all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connector.crash import ARMED, KILLED
from connector.matching.stage import match_stage
from tests.matching.stores import accounts_of, put, store_in

ROOT = Path(__file__).resolve().parents[2]
MATCH = """
import sys
from pathlib import Path
from connector.matching.stage import match_stage
from tests.matching.stores import store_in
with store_in(Path(sys.argv[1])) as job:
    match_stage(job)
"""


@pytest.mark.parametrize("point", ["match: a page", "match: files written"])
def test_a_kill_leaves_the_matches_of_before(point: str, tmp_path: Path) -> None:
    with store_in(tmp_path) as job:
        put(job, "accounts", [{"account_id": "1", "name": "Acme", "domain": "acme.com"}])
        put(job, "people", [{"person_id": "p", "email": "jo@acme.com"}, {"person_id": "q", "email": "jo@robots.com"}])
        match_stage(job)
        put(job, "accounts", [{"account_id": "1", "name": "Acme", "domain": "robots.com"}])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), ARMED: f"{point}:1"}
    ended = subprocess.run([sys.executable, "-c", MATCH, str(tmp_path)], env=environment, check=False)
    assert ended.returncode == KILLED
    with store_in(tmp_path) as job:
        assert accounts_of(job) == {"p": "1"}
        match_stage(job)
        assert accounts_of(job) == {"q": "1"}
