"""Errors, named by how the program reacts to them."""

from collections.abc import Sequence


class LeadlightError(Exception):
    """Base of every error that is told to the user without a traceback; `exit_code` is the process's."""

    exit_code = 70

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigError(LeadlightError):
    """Configuration, model, mapping or data is wrong; all problems at once."""

    exit_code = 2

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class AuthError(LeadlightError):
    """The CRM refused the credentials or a right is missing."""

    exit_code = 5


class Forbidden(AuthError):  # noqa: N818 - named by the reaction: leave this object out
    """A right to one object is missing; the others can go on."""


class SchemaChanged(ConfigError):  # noqa: N818 - as above
    """An object or field that was there when the run began is gone; the next run looks anew."""


class RetryableError(LeadlightError):
    """A passing fault; `retry_after_s` is the wait the server asked for, if it did.

    `unknown_outcome` is true where a write may have been committed before the answer was lost.
    """

    exit_code = 75

    def __init__(self, message: str, *, retry_after_s: float | None = None, unknown_outcome: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.unknown_outcome = unknown_outcome


class QuotaExhausted(LeadlightError):  # noqa: N818 - named by the reaction, as the other errors are
    """The CRM's daily limit is used up; stop cleanly, the next run goes on."""

    exit_code = 75


class OutOfTime(QuotaExhausted):
    """The time that a run may take is used up; stop cleanly, the next run goes on."""


class BatchRefused(LeadlightError):  # noqa: N818 - as above
    """The CRM refused a whole request for its content; `code` is the vendor's."""

    exit_code = 1

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class UnsafePlan(LeadlightError):  # noqa: N818 - as above
    """A guard on the plan tripped."""

    exit_code = 4


class StalePlan(LeadlightError):  # noqa: N818 - as above
    """The plan was made from another state than the present one."""

    exit_code = 4


class StoreError(LeadlightError):
    """The store or the disk under it failed."""

    exit_code = 74


class Locked(LeadlightError):  # noqa: N818 - as above
    """Another process works on the store."""

    exit_code = 6
