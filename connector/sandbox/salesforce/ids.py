"""Record ids: a three-letter key prefix, an instance code and a number, and the three letters that mark letter case."""

KEY_PREFIXES = {
    "Account": "001",
    "AccountHistory": "017",
    "Campaign": "701",
    "CampaignMember": "00v",
    "CampaignMemberStatus": "01Y",
    "Contact": "003",
    "ContactHistory": "017",
    "CurrencyType": "01L",
    "CustomField": "00N",
    "EmailMessage": "02s",
    "EmailMessageRelation": "0CZ",
    "Event": "00U",
    "FieldPermissions": "01k",
    "Group": "00G",
    "Job": "750",
    "Lead": "00Q",
    "LeadHistory": "017",
    "ObjectPermissions": "110",
    "Opportunity": "006",
    "OpportunityContactRole": "00K",
    "OpportunityFieldHistory": "017",
    "Organization": "00D",
    "PermissionSet": "0PS",
    "PermissionSetAssignment": "0Pa",
    "Profile": "00e",
    "QueryLocator": "0r8",
    "QueueSobject": "03g",
    "RecordType": "012",
    "Task": "00T",
    "User": "005",
    "Web_Activity__c": "a00",
}
INSTANCE = "Sb0"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def record_id(object: str, number: int) -> str:  # noqa: A002 - the vendor's own word
    """Give the 18-letter id of an object's nth record; raises KeyError for an object without a key prefix."""
    return full_id(f"{KEY_PREFIXES[object]}{INSTANCE}{base62(number, 9)}")


def base62(number: int, width: int) -> str:
    """Write a number with the digits of ids, which sort as the numbers do."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def full_id(short: str) -> str:
    """Append the three check letters: bit i of each says whether letter i of its five is upper case."""
    marks = []
    for start in (0, 5, 10):
        bits = sum(1 << i for i, letter in enumerate(short[start : start + 5]) if "A" <= letter <= "Z")
        marks.append(CHECK[bits])
    return short + "".join(marks)


def canonical_id(text: str, *, checked: bool = True) -> str | None:
    """Bring an id of 15 or 18 letters to 18, or null where it is malformed; queries take wrong check letters too."""
    if len(text) not in (15, 18) or not (text.isascii() and text.isalnum()):
        return None
    full = full_id(text[:15])
    return full if len(text) == 15 or not checked or full == text else None
