"""Made-up credentials that the sandbox hands out in its ready line and accepts back."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class MadeUp:
    """Hold what a client may sign in with, whatever the vendor."""

    token: str
    client_id: str
    client_secret: str
    username: str
    password: str


def made_up(crm: str, seed: int) -> MadeUp:
    """Make credentials in the vendor's shape, the same for the same seed; they open nothing but a loopback sandbox."""

    def digits(purpose: str, count: int) -> str:
        return hashlib.sha256(f"{crm} {seed} {purpose}".encode()).hexdigest()[:count]

    if crm == "salesforce":
        token, client_id = f"00D000000000001!{digits('token', 48)}", f"3MVG9{digits('client', 40)}"
    else:
        whole = digits("token", 32)
        token = "-".join(["pat", "na1", whole[:8], whole[8:12], whole[12:16], whole[16:20], whole[20:]])
        client_id = "-".join(digits("client", 32)[i : i + 8] for i in range(0, 32, 8))
    return MadeUp(
        token=token,
        client_id=client_id,
        client_secret=digits("secret", 48),
        username="connector@leadlight.example",
        password=digits("password", 20),
    )
