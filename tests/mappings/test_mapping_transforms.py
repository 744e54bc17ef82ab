"""Transforms, as tables of what goes in and what comes out."""

import pytest

from mappings.lists import load_words
from mappings.transforms import TRANSFORMS, fold


def transformed(name: str, text: str) -> object:
    return TRANSFORMS[name][0](text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://www.Acme.com/about?x=1", "acme.com"),
        ("http://acme.co.uk:8080", "acme.co.uk"),
        ("Acme.com", "acme.com"),
        ("ann@Mail.Acme.com", "mail.acme.com"),
        ("https://user:secret@acme.com/", "acme.com"),
        ("www.müller.de.", "müller.de"),
        ("acme.com, other.com", "acme.com"),
        ("n/a", None),
        ("localhost", None),
    ],
)
def test_domain(text: str, expected: str | None) -> None:
    assert transformed("domain", text) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("CEO", "c_level"),
        ("Chief Revenue Officer", "c_level"),
        ("Co-Founder & CTO", "c_level"),
        ("Geschäftsführerin", "c_level"),
        ("Geschaeftsfuehrer", "c_level"),
        ("Président Directeur Général", "c_level"),
        ("Directora General", "c_level"),
        ("Sócio-Gerente", "c_level"),
        ("Vice President, Sales", "vp"),
        ("SVP Engineering", "vp"),
        ("Vicepresidenta de Ventas", "vp"),
        ("Head of IT", "director"),
        ("Leiter Einkauf", "director"),
        ("Directeur commercial", "director"),
        ("Diretora de Marketing", "director"),
        ("Marketing Manager", "manager"),
        ("Teamleiterin Support", "manager"),
        ("Responsable des achats", "manager"),
        ("Jefe de proyecto", "manager"),
        ("Gerente de TI", "manager"),
        ("Account Manager", "staff"),
        ("CEO, formerly account manager", "c_level"),
        ("Software Engineer", "staff"),
        ("Product Owner", "staff"),
        ("Sachbearbeiterin", "staff"),
        ("Ingénieure", "staff"),
        ("Executive Assistant to the CEO", "staff"),
        ("Praktikant der Geschäftsführung", "staff"),
        ("Student", "staff"),
        ("Chef", None),
        ("担当", None),
    ],
)
def test_seniority(title: str, expected: str | None) -> None:
    assert transformed("seniority", title) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("VP Sales & Marketing", "sales"),
        ("Directora de Recursos Humanos", "human_resources"),
        ("Leiter Einkauf", "purchasing"),
        ("CFO", "finance"),
        ("Head of IT", "it"),
        ("Ingénieur logiciel", "engineering"),
        ("Wizard", None),
    ],
)
def test_department(title: str, expected: str | None) -> None:
    assert transformed("department", title) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Germany", "DE"),
        ("deutschland", "DE"),
        (" Vereinigte Staaten ", "US"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("uk", "GB"),
        ("Brésil", "BR"),
        ("España", "ES"),
        ("Côte d’Ivoire", "CI"),
        ("fr", "FR"),
        ("Atlantis", "Atlantis"),
    ],
)
def test_country(text: str, expected: str) -> None:
    assert transformed("country", text) == expected


def test_country_codes_are_all_of_iso() -> None:
    codes = load_words("country")
    assert len(codes) == 249
    assert all(len(code) == 2 and code.isupper() for code in codes)


@pytest.mark.parametrize("table", ["seniority", "department", "country"])
def test_a_word_means_one_thing(table: str) -> None:
    seen: dict[str, str] = {}
    for meaning, words in load_words(table).items():
        for word in words:
            assert seen.setdefault(fold(word), meaning) == meaning, word


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("number", "1,200.5 EUR", 1200.5),
        ("number", "50-100", 50.0),
        ("number", "1000+", 1000.0),
        ("number", "-3e2", -300.0),
        ("number", "many", None),
        ("list", "a; b;;c ", ["a", "b", "c"]),
        ("lower", " WEB ", "web"),
        ("account_type", "Customer - Direct", "customer"),
        ("account_type", "Channel Partner / Reseller", "partner"),
        ("account_type", "Prospective customer", "prospect"),
        ("account_type", "Press", "press"),
        ("account_type", "RESELLER", "partner"),
        ("account_type", "PROSPECT", "prospect"),
    ],
)
def test_small_transforms(name: str, text: str, expected: object) -> None:
    assert transformed(name, text) == expected
