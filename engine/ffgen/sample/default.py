"""What draws a field that names no generator: by its type, its constraints and, for open text, its name."""

from typing import Any

from ffgen.pattern import matches
from ffgen.sample.base import Scope
from ffgen.spec.model import Field
from ffgen.spec.types.hints import hint

BY_TYPE: dict[str, str] = {
    "array": "array",
    "boolean": "boolean",
    "date": "moment",
    "datetime": "moment",
    "duration": "moment",
    "integer": "uniform",
    "ipv4": "ipv4",
    "number": "uniform",
    "object": "object",
    "phone": "phone",
    "text": "sentences",
    "time": "moment",
    "url": "url",
    "uuid": "uuid4",
}

BY_NAME: dict[str, str] = {
    "first_name": "person.first_name",
    "firstname": "person.first_name",
    "given_name": "person.first_name",
    "forename": "person.first_name",
    "last_name": "person.last_name",
    "lastname": "person.last_name",
    "surname": "person.last_name",
    "family_name": "person.last_name",
    "full_name": "person.full_name",
    "name": "person.full_name",
    "customer_name": "person.full_name",
    "employee_name": "person.full_name",
    "contact_name": "person.full_name",
    "patient_name": "person.full_name",
    "student_name": "person.full_name",
    "user_name": "person.user_name",
    "username": "person.user_name",
    "handle": "person.user_name",
    "login": "person.user_name",
    "gender": "person.gender",
    "sex": "person.gender",
    "email": "person.email",
    "city": "place.city",
    "town": "place.city",
    "region": "place.region",
    "state": "place.region",
    "province": "place.region",
    "country": "place.country",
    "country_code": "place.country_code",
    "postcode": "place.postcode",
    "postal_code": "place.postcode",
    "zip": "place.postcode",
    "zip_code": "place.postcode",
    "street": "place.street",
    "address": "place.address",
    "time_zone": "place.time_zone",
    "timezone": "place.time_zone",
    "company": "company.name",
    "company_name": "company.name",
    "employer": "company.name",
    "domain": "company.domain",
    "version": "version",
    "user_agent": "user_agent",
    "file_name": "file_name",
    "filename": "file_name",
    "color": "color",
    "colour": "color",
    "mac": "mac",
    "mac_address": "mac",
    "iban": "iban",
    "imei": "imei",
    "isbn": "isbn",
    "ean": "ean",
}
"""Names of open text fields whose meaning is plain."""


def default_of(field: Field, scope: Scope) -> str | dict[str, Any] | None:
    """The generator of a field that names none; None when only a person or a model knows what it means."""
    if field.derive is not None:
        return "derived"
    if scope.dataset.rows is not None and not scope.inner:
        return "listed"
    if field.values is not None:
        return "choice"
    if field.type == "email":
        return "pattern" if field.pattern and not is_domain(field.pattern) else "person.email"
    if field.type in ("", "string"):
        return by_name(field) or ("pattern" if field.pattern else None)
    if field.pattern is not None:
        return "pattern"
    return BY_TYPE.get(field.type)


def by_name(field: Field) -> str | None:
    """The generator of an open text that its name speaks for."""
    named = BY_NAME.get(field.name.lower().replace("-", "_").replace(" ", "_"))
    return named if named is not None and fits(named, field) else None


def fits(name: str, field: Field) -> bool:
    """Whether a pattern is one of such names, by an example: a `name` may be a code, too."""
    example = hint(name.rpartition(".")[2], 0)
    return field.pattern is None or example is None or matches(field.pattern, [example])[0]


def is_domain(pattern: str) -> bool:
    """Whether a pattern for e-mail addresses leaves the name free, so that it can agree with the person's."""
    return pattern.startswith("@")
