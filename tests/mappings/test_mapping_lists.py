"""Named lists: packaged, and replaced by a user's files of the same name."""

from pathlib import Path

import pytest

from mappings.lists import load_lists


def test_packaged_lists() -> None:
    lists = load_lists(None)
    assert {"free_mail", "competitors", "disposable"} <= set(lists)
    assert "gmail.com" in lists["free_mail"]
    assert lists["competitors"] == {"rival-crm.example", "competitor.example"}
    assert not any("#" in entry or entry != entry.strip().lower() for entries in lists.values() for entry in entries)


def test_a_folder_overrides_by_name(tmp_path: Path) -> None:
    (tmp_path / "competitors.txt").write_text("# ours\nNemesis.com  # the big one\n\n", encoding="utf-8")
    (tmp_path / "target_accounts.txt").write_text("acme.com\n", encoding="utf-8")
    lists = load_lists(tmp_path)
    assert lists["competitors"] == {"nemesis.com"}
    assert lists["target_accounts"] == {"acme.com"}
    assert lists["free_mail"] == load_lists(None)["free_mail"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder of lists"):
        load_lists(tmp_path / "absent")
