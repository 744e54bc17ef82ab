"""What the newest scores cover is kept, and can be made void without losing whose rows lie where."""

from pathlib import Path

from connector.store import coverage
from connector.store.coverage import Coverage
from connector.store.state import open_state


def test_a_coverage_is_kept_until_it_expires(tmp_path: Path) -> None:
    state = open_state(tmp_path)
    coverage.expire(state)
    assert coverage.get(state) is None
    made = Coverage(("r1", "r2"), {"model": "abc"}, None, (3,))
    coverage.put(state, made)
    held = coverage.get(state)
    assert held == made
    assert (made.newest, made.is_current) == ("r2", True)
    coverage.expire(state)
    held = coverage.get(state)
    assert held is not None
    assert (held.runs, held.is_current) == (("r1", "r2"), False)
    state.close()
