"""Company names and domains as people write them, in several languages."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.lists import PACKAGED, load_lists
from mappings.normal.companies import company_name
from mappings.normal.domains import company_domain, email_class, registrable
from mappings.normal.words import fold

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")
SAME = [
    ("Acme Robotics, Inc.", "ACME ROBOTICS"),
    ("The Walt Disney Company", "Walt Disney Co."),
    ("Johnson & Johnson", "Johnson and Johnson Ltd"),
    ("Müller Maschinenbau GmbH & Co. KG", "Mueller Maschinenbau"),
    ("Müller Maschinenbau GmbH", "Muller Maschinenbau"),
    ("Société Générale S.A.", "Societe Generale"),
    ("L'Oréal SA", "L Oreal"),
    ("Enel S.p.A.", "Enel SpA"),
    ("Grupo Bimbo S.A.B. de C.V.", "Grupo Bimbo"),
    ("Petróleo Brasileiro S/A", "Petroleo Brasileiro"),
    ("Magazine Luiza Ltda.", "Magazine Luiza"),
    ("Ørsted A/S", "Orsted"),
    ("Mærsk A/S", "Maersk"),
    ("Volvo AB (publ)", "Volvo"),
    ("Nokia Oyj", "NOKIA"),
    ("Żabka Polska Sp. z o.o.", "Zabka Polska"),
    ("Škoda Auto a.s.", "Skoda Auto"),
    ("ООО «Газпром»", "Газпром"),
    ("トヨタ自動車株式会社", "トヨタ自動車"),
    ("주식회사 카카오", "카카오"),
    ("Anadolu Efes A.Ş.", "Anadolu Efes"),
    ("Infosys Pvt. Ltd.", "Infosys"),
    ("I.B.M. Corp.", "IBM"),
    ("A.P. Møller", "AP Moller"),
    ("Face Book", "Facebook"),
    ("PT Astra International Tbk", "Astra International"),
    ("Royal Dutch Shell plc", "Royal Dutch Shell"),
    ("Tesla Motors, LLC", "Tesla Motors"),
    ("Albert Heijn B.V.", "Albert Heijn"),
]
OTHER = [
    ("Delta Air Lines", "Delta Electronics"),
    ("Studio 54", "Studio 55"),
    ("SAS Institute", "Institute"),
    ("Blue Spa", "Blue"),
    ("Acme Holding", "Acme"),
    ("GmbH", "AG"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_are_the_same(one: str, other: str) -> None:
    left, right = company_name(one), company_name(other)
    assert left is not None
    assert right is not None
    assert left.spellings & right.spellings


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_names_that_are_not(one: str, other: str) -> None:
    left, right = company_name(one), company_name(other)
    assert left is not None
    assert right is not None
    assert not left.spellings & right.spellings


def test_initials_and_acronyms() -> None:
    long, short = company_name("International Business Machines Corporation"), company_name("I.B.M.")
    assert long is not None
    assert short is not None
    assert (long.initials, short.acronym) == ("ibm", "ibm")
    assert long.acronym is None
    assert short.initials is None


@pytest.mark.parametrize("text", ["", "  ", "-", "...", "«»"])
def test_nothing_is_no_name(text: str) -> None:
    assert company_name(text) is None


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


@given(st.text(), st.sampled_from(FORMS))
def test_how_accents_are_stored_does_not_matter(text: str, form: Form) -> None:
    assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_the_quick_way_gives_the_same(text: str) -> None:
    assert fold(text) == fold(text + "é").removesuffix("e").rstrip()


@given(st.text())
def test_a_name_is_its_own_and_has_words(text: str) -> None:
    name = company_name(text)
    if name is not None:
        assert name.words
        assert name.words.split() == sorted(name.words.split())
        again = company_name(text.upper() if text.isascii() else text)
        assert again is not None
        assert again.spellings == name.spellings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://www.acme.com/de/about", "acme.com"),
        ("ann@mail.eu.acme.co.uk", "acme.co.uk"),
        ("acme.com.au", "acme.com.au"),
        ("acme.wixsite.com", "acme.wixsite.com"),
        ("wixsite.com", None),
        ("https://www.facebook.com/acme", None),
        ("https://www.linkedin.com/company/acme", None),
        ("müller.de", "xn--mller-kva.de"),
        ("xn--mller-kva.de", "xn--mller-kva.de"),
        ("co.uk", None),
        ("192.168.0.1", None),
        ("localhost", None),
        ("a..b.com", None),
        ("acme.com.", "acme.com"),
    ],
)
def test_registrable(text: str, expected: str | None) -> None:
    assert registrable(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@gmail.com", "free"),
        ("a@GMail.com", "free"),
        ("a@mail.gmx.de", "free"),
        ("a@mailinator.com", "disposable"),
        ("a@x.rival-crm.example", "competitor"),
        ("a@stud.tu-berlin.de", "student"),
        ("a@students.unimelb.edu.au", "student"),
        ("a@mit.edu", "student"),
        ("a@ox.ac.uk", "student"),
        ("a@edu.example", "business"),
        ("a@acme.com", "business"),
        ("nobody", None),
        ("", None),
    ],
)
def test_email_class(text: str, expected: str | None) -> None:
    assert email_class(text) == expected


@given(
    st.sampled_from(sorted(load_lists()["free_mail"] | load_lists()["disposable"])),
    st.sampled_from(("", "x.", "mail.eu.")),
)
def test_a_mailbox_for_anybody_names_no_company(host: str, prefix: str) -> None:
    assert company_domain(f"kim@{prefix}{host}") is None
    assert company_domain(f"https://www.{prefix}{host}/") is None


def test_other_lists_have_another_version() -> None:
    assert PACKAGED.version(["free_mail", "country"]) == PACKAGED.version(["country", "free_mail"])
    assert len({PACKAGED.version([name]) for name in ("free_mail", "country", "disposable")}) == 3
