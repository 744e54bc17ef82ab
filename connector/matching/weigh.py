"""How sure it is that a person belongs to an account, and by which evidence."""

from dataclasses import dataclass
from typing import Final, Literal

from rapidfuzz import fuzz

from connector.matching.sides import Account, Person
from connector.settings.matching import MatchingSettings
from mappings.normal.companies import CompanyName

Method = Literal["domain", "name", "acronym", "close_name"]
# What a method is worth by itself, and what second evidence adds. A judgement, in the order of precision; no frequency.
_WORTH: Final = {"mail": 0.92, "site": 0.88, "name": 0.85, "acronym": 0.75}
_CLOSE_WORTH: Final = 0.8
_BESIDE_DOMAIN: Final = {"same": 0.06, "acronym": 0.06, "close": 0.04}
_STRONG, _WEAK = 0.05, 0.02
_OTHER_DOMAIN: Final = -0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold an account that a person may belong to; evidence is for people to read."""

    account: Account
    method: Method
    confidence_share: float
    evidence: str


def weigh(person: Person, account: Account, settings: MatchingSettings) -> Candidate | None:
    """Judge one pair; null where nothing that the settings allow speaks for it, or something against it."""
    found = _by_domain(person, account, settings) if "domain" in settings.methods else None
    return found or _by_name(person, account, settings)


def objection(person: Person, account: Account, settings: MatchingSettings) -> str | None:
    """Say why an account that comes near is no candidate; null where it does not come near."""
    kind, share = _names(person.name, account.name, settings)
    if kind is None:
        return None
    told = {"same": "same name", "acronym": "initials of the name"}.get(kind, f"close name ({share:.0%})")
    if _is_strange(person, account):
        return f"{told}, but another domain ({account.site}), and no phone or postal code in common"
    if _is_abroad(person, account):
        return f"{told}, but another country ({account.country}), and no phone or postal code in common"
    if _weak(person, account):
        return f"{told}, but besides only the country is the same"
    return f"{told}, but neither phone, postal code nor country is known to be the same"


def likeness(one: CompanyName, other: CompanyName, cutoff_share: float) -> float | None:
    """Compare two names, 0..1; null below the cutoff, and where their numbers differ (Studio 54, Studio 55)."""
    share = fuzz.ratio(one.words, other.words, score_cutoff=100 * cutoff_share) / 100
    return share if share and _numbers(one) == _numbers(other) else None


def _by_domain(person: Person, account: Account, settings: MatchingSettings) -> Candidate | None:
    if account.site is None or account.site not in (person.mail, person.site):
        return None
    by = "mail" if account.site == person.mail else "site"
    told = f"{'e-mail' if by == 'mail' else 'web site'} domain {account.site}"
    kind, _ = _names(person.name, account.name, settings)
    beside = {"same": ", same name", "acronym": ", its initials", "close": ", close name"}.get(kind or "", "")
    return Candidate(account, "domain", _WORTH[by] + _BESIDE_DOMAIN.get(kind or "", 0), told + beside)


def _by_name(person: Person, account: Account, settings: MatchingSettings) -> Candidate | None:
    kind, share = _names(person.name, account.name, settings)
    if kind is None:
        return None
    strong, weak = _strong(person, account), _weak(person, account)
    told = "".join(f", {what}" for what in (*strong, *weak))
    bonus = _STRONG if strong else _WEAK if weak else 0.0
    if is_strange := _is_strange(person, account):
        bonus += _OTHER_DOMAIN
    if kind == "same":
        is_enough = bool(strong) or (not _is_abroad(person, account) and (bool(weak) or not is_strange))
        return Candidate(account, "name", _WORTH["name"] + bonus, f"same name{told}") if is_enough else None
    if not strong and (not weak or is_strange):
        return None
    if kind == "acronym":
        return Candidate(account, "acronym", _WORTH["acronym"] + bonus, f"initials of the name{told}")
    if not strong and share < settings.country_alone_share:
        return None
    return Candidate(account, "close_name", _CLOSE_WORTH * share + bonus, f"close name ({share:.0%}){told}")


def _names(one: CompanyName | None, other: CompanyName | None, settings: MatchingSettings) -> tuple[str | None, float]:
    """Tell how two names belong together (same, acronym, close or not at all) and how alike they are."""
    if one is None or other is None:
        return None, 0.0
    if one.spellings & other.spellings:
        return ("same", 1.0) if "name" in settings.methods else (None, 0.0)
    shortened = {(one.acronym, other.initials), (one.initials, other.acronym)}
    if "acronym" in settings.methods and any(short is not None and short == long for short, long in shortened):
        return "acronym", 0.0
    share = likeness(one, other, settings.close_name_share) if "close_name" in settings.methods else None
    return ("close", share) if share else (None, 0.0)


def _strong(person: Person, account: Account) -> tuple[str, ...]:
    """List what hardly two companies share."""
    found = []
    if person.phone is not None and person.phone == account.phone:
        found.append("same phone")
    if person.postal_code is not None and person.postal_code == account.postal_code and not _is_abroad(person, account):
        found.append(f"same postal code {person.postal_code.upper()}")
    return tuple(found)


def _weak(person: Person, account: Account) -> tuple[str, ...]:
    return (f"same country {person.country}",) if person.country and person.country == account.country else ()


def _is_abroad(person: Person, account: Account) -> bool:
    return bool(person.country and account.country and person.country != account.country)


def _is_strange(person: Person, account: Account) -> bool:
    """Tell whether a person has a company domain, and it is not the account's."""
    own = {site for site in (person.mail, person.site) if site}
    return bool(own and account.site and account.site not in own)


def _numbers(name: CompanyName) -> frozenset[str]:
    return frozenset(word for word in name.words.split() if any(c.isdigit() for c in word))
