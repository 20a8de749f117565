"""Who is behind an account: the profile of an organisation, as it was declared.

In: JSON of a profile. Out: a frozen, checked value, its JSON, and a digest that can be published without giving it
away. Who owns the organisation is the subject of screening, not of this file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.governance.accounts.vocabulary import (
    check_country,
    check_date,
    check_identifier,
    check_name,
    check_word,
    check_words,
)

MAX_PROFILE_BYTES = 12_288
"""A profile stands whole in the private body of a ledger entry, which has room for 16 KiB."""

Identifiers = tuple[tuple[str, str], ...]
"""Pairs of register and number, like ``("lei", "5493...")``."""

_MEMBERS = frozenset(
    {
        "legal_name",
        "country",
        "sector",
        "identifiers",
        "end_customers",
        "payers",
        "purposes",
        "legal_bases",
        "evidence",
        "references",
    }
)
REFERENCES = ("fria", "dpia", "registration")
"""Assessments of impact on fundamental rights and on data protection; registration in the EU database."""


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Somebody whom an organisation works for or is paid by; ``country`` may be empty."""

    name: str
    country: str = ""
    identifiers: Identifiers = ()


@dataclass(frozen=True, slots=True)
class PurposeEvidence:
    """What shows that an organisation may pursue a purpose: a document's reference, who issued it, and on which day."""

    purpose: str
    reference: str
    issuer: str
    date: str

    def members(self) -> dict[str, object]:
        """As JSON values."""
        return {"purpose": self.purpose, "reference": self.reference, "issuer": self.issuer, "date": self.date}


@dataclass(frozen=True, slots=True)
class OrganisationProfile:
    """A declared profile.

    Attributes:
        legal_name: as registered.
        country: ISO 3166-1 alpha-2.
        sector: a word of the provider's rules.
        identifiers: entries in registers.
        end_customers: those whom it uses the service for, when not for itself.
        payers: those who pay for it.
        purposes: what it uses the service for, words of the provider's rules.
        legal_bases: on what grounds, words of the provider's rules.
        evidence: for purposes that open an exception.
        references: numbers of assessments and registrations, by a word of ``REFERENCES``.
    """

    legal_name: str
    country: str
    sector: str
    identifiers: Identifiers = ()
    end_customers: tuple[Counterparty, ...] = ()
    payers: tuple[Counterparty, ...] = ()
    purposes: tuple[str, ...] = ()
    legal_bases: tuple[str, ...] = ()
    evidence: tuple[PurposeEvidence, ...] = ()
    references: Identifiers = ()

    def members(self) -> dict[str, object]:
        """As JSON values; ``organisation`` reads them."""
        more: dict[str, object] = {}
        if self.evidence:
            more["evidence"] = [each.members() for each in self.evidence]
        if self.references:
            more["references"] = dict(self.references)
        return more | {
            "legal_name": self.legal_name,
            "country": self.country,
            "sector": self.sector,
            "identifiers": dict(self.identifiers),
            "end_customers": [_counterparty_members(party) for party in self.end_customers],
            "payers": [_counterparty_members(party) for party in self.payers],
            "purposes": list(self.purposes),
            "legal_bases": list(self.legal_bases),
        }

    def digest(self, salt: bytes) -> bytes:
        """SHA-256 over ``salt`` and the canonical JSON. A profile can be guessed, so it is not published unsalted."""
        return hashlib.sha256(salt + orjson.dumps(self.members(), option=orjson.OPT_SORT_KEYS)).digest()


def organisation(members: Mapping[str, object]) -> OrganisationProfile:
    """Read and check a profile.

    Raises:
        InvalidParameterError: a member is missing, unknown or wrong; the text says which.
    """
    unknown = sorted(members.keys() - _MEMBERS)
    if unknown:
        raise InvalidParameterError(f"a profile has no member {unknown[0]}")
    made = OrganisationProfile(
        legal_name=check_name(_text(members, "legal_name"), "a legal name"),
        country=check_country(_text(members, "country")),
        sector=check_word("sector", _text(members, "sector")),
        identifiers=_identifiers(members.get("identifiers", {})),
        end_customers=_counterparties(members, "end_customers"),
        payers=_counterparties(members, "payers"),
        purposes=check_words("purpose", _texts(members, "purposes")),
        legal_bases=check_words("legal_basis", _texts(members, "legal_bases")),
        evidence=_evidence(members.get("evidence", [])),
        references=_references(members.get("references", {})),
    )
    if len(orjson.dumps(made.members())) > MAX_PROFILE_BYTES:
        raise InvalidParameterError(f"a profile has at most {MAX_PROFILE_BYTES} bytes")
    return made


def stored(members: Mapping[str, Any]) -> OrganisationProfile:
    """Read ``OrganisationProfile.members`` of one that was checked before it was stored."""
    return OrganisationProfile(
        members["legal_name"],
        members["country"],
        members["sector"],
        tuple(sorted(members["identifiers"].items())),
        tuple(_stored_counterparty(party) for party in members["end_customers"]),
        tuple(_stored_counterparty(party) for party in members["payers"]),
        tuple(members["purposes"]),
        tuple(members["legal_bases"]),
        tuple(PurposeEvidence(**each) for each in members.get("evidence", ())),
        tuple(sorted(members.get("references", {}).items())),
    )


def _stored_counterparty(members: Mapping[str, Any]) -> Counterparty:
    return Counterparty(members["name"], members["country"], tuple(sorted(members["identifiers"].items())))


def changed(profile: OrganisationProfile, members: Mapping[str, object]) -> OrganisationProfile:
    """``profile`` with some members replaced. Raises InvalidParameterError as ``organisation``."""
    return organisation({**profile.members(), **members}) if members else replace(profile)


def _counterparty_members(party: Counterparty) -> dict[str, object]:
    return {"name": party.name, "country": party.country, "identifiers": dict(party.identifiers)}


def _counterparties(members: Mapping[str, object], name: str) -> tuple[Counterparty, ...]:
    listed = members.get(name, [])
    if not isinstance(listed, list | tuple):
        raise InvalidParameterError(f"{name} is a list")
    return tuple(_counterparty(item, name) for item in listed)


def _counterparty(item: object, where: str) -> Counterparty:
    if isinstance(item, str):
        return Counterparty(check_name(item, f"a name in {where}"))
    if not isinstance(item, dict) or item.keys() - {"name", "country", "identifiers"}:
        raise InvalidParameterError(f"{where} holds names, or objects with name, country and identifiers")
    country = item.get("country") or ""
    return Counterparty(
        check_name(_text(item, "name"), f"a name in {where}"),
        check_country(country) if country else "",
        _identifiers(item.get("identifiers", {})),
    )


def _identifiers(value: object) -> Identifiers:
    if not isinstance(value, dict):
        raise InvalidParameterError("identifiers are an object from register to number")
    return tuple(sorted(check_identifier(str(scheme), str(number)) for scheme, number in value.items()))


def _evidence(value: object) -> tuple[PurposeEvidence, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidParameterError("evidence is a list")
    found = []
    for each in value:
        if not isinstance(each, dict) or each.keys() != {"purpose", "reference", "issuer", "date"}:
            raise InvalidParameterError("evidence has purpose, reference, issuer and date")
        found.append(
            PurposeEvidence(
                check_word("purpose", str(each["purpose"])),
                check_name(str(each["reference"]), "a reference"),
                check_name(str(each["issuer"]), "an issuer"),
                check_date(str(each["date"])),
            )
        )
    return tuple(found)


def _references(value: object) -> Identifiers:
    if not isinstance(value, dict) or value.keys() - set(REFERENCES):
        raise InvalidParameterError(f"references are an object with some of: {', '.join(REFERENCES)}")
    return tuple(sorted((name, check_name(str(number), "a reference")) for name, number in value.items()))


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise InvalidParameterError(f"a profile needs {name}, a text")
    return value


def _texts(members: Mapping[str, object], name: str) -> list[str]:
    value = members.get(name, [])
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InvalidParameterError(f"{name} is a list of texts")
    return [str(item) for item in value]
