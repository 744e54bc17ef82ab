"""Whom a mapping lets feeds create: the object, its fields, and who is left out."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from mappings.spec import Scalar, Spec

EmailClass = Literal["free", "disposable", "competitor", "student", "business"]
EMAIL = "email"


class CreateField(Spec):
    """Fill one field of a new record from an attribute that a feed gives of a person.

    required: without it, and without a default, the person is held. Text longer than max_length is cut at a word.
    """

    field: str
    required: bool = False
    default: Scalar | None = None
    max_length: int | None = Field(default=None, ge=1)


CreateFieldForm = Annotated[
    CreateField, BeforeValidator(lambda value: {"field": value} if isinstance(value, str) else value)
]


class CreateTarget(Spec):
    """Say how somebody whom only a feed knows is created: fields by attribute, constants sent with each.

    key_field keeps the record single: a unique field of ours, or HubSpot's `email`, which is unique by itself.
    skip_email_classes and skip_role_addresses (info@, sales@) name whose addresses make nobody.
    """

    object: str
    key_field: str
    fields: dict[str, CreateFieldForm]
    constants: dict[str, Scalar] = Field(default_factory=dict)
    skip_email_classes: tuple[EmailClass, ...] = ()
    skip_role_addresses: bool = True

    @model_validator(mode="after")
    def _coherent(self) -> "CreateTarget":
        problems = []
        names = [*(spec.field for spec in self.fields.values()), *self.constants]
        if EMAIL not in self.fields:
            problems.append(f"fields.{EMAIL} is missing: whoever is created is known by the address")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            problems.append(f"{', '.join(twice)} is written twice")
        if not self.key_is_email and "leadlight_key" not in self.key_field.lower():
            told = "must contain leadlight_key, so that people know it is ours, or be the field of `email`"
            problems.append(f"key_field {self.key_field!r} {told}")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def email_field(self) -> str:
        """Name the field that holds the address."""
        return self.fields[EMAIL].field

    @property
    def key_is_email(self) -> bool:
        """Tell whether the vendor keeps the address itself unique."""
        return EMAIL in self.fields and self.key_field == self.fields[EMAIL].field

    @property
    def needed(self) -> tuple[str, ...]:
        """List the attributes without which nobody is created."""
        return tuple(n for n, spec in self.fields.items() if n != EMAIL and spec.required and spec.default is None)

    @property
    def sets(self) -> frozenset[str]:
        """Name every field that a new record is given."""
        return frozenset({self.key_field, *(spec.field for spec in self.fields.values()), *self.constants})


__all__ = ["EMAIL", "CreateField", "CreateTarget"]
