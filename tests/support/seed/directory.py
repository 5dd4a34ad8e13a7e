"""A customer's directory, made up: people, departments and groups, the same for the same number.

Names are combined at random from common given and family names; addresses end in `.example`.
"""

import random
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from tests.support.payloads import CORE, ENTERPRISE

_GIVEN_NAMES: Final = (
    "Ada Adaeze Agnes Ahmed Aiko Alejandro Amara Amélie Anders Anika Arjun Astrid Ayşe Beatriz"
    " Bogdan Camille Carlos Chiara Chinonso Clara Daan Dalia Diego Dmitri Eleni Elif Emeka Emil"
    " Erik Esther Farid Fatima Finn Freya Gabriel Giulia Hana Hannah Haruto Ines Ingrid Ioana"
    " Isabel Jakub Jamal Jan João Johanna Jonas Kaito Karim Katarzyna Kavya Kofi Lars Leila Liam"
    " Lin Lucía Magnus Maja Malik Marco Mariam Mateo Mei Mila Milan Nadia Nia Niklas Noor Oksana"
    " Olga Omar Paolo Pedro Petra Priya Rafael Rahel Ravi Rosa Sakura Samir Sanne Sara Sofia Sven"
    " Tariq Tomás Ula Viktor Wanjiru Xin Yara Yusuf Zeynep Zoë"
)
_FAMILY_NAMES: Final = (
    "Abara Adeyemi Aguilar Almeida Andersen Bakker Barros Becker Bergström Bianchi Castro Cervantes"
    " Chaudhry Chen Conti Dahl Demir Diallo Dubois Eriksen Farkas Fernández Fischer Fontaine Fujita"
    " Garnier Georgiou Haddad Hansen Hartmann Hassan Horvat Ibrahim Ito Ivanova Jansen Jovanović"
    " Kaplan Kasongo Keller Khan Kimura Kowalski Kumar Lambert Larsen Lehmann Lindqvist Lopes Maes"
    " Mahlangu Marchetti Mbeki Mehta Meyer Moreau Müller Nakamura Navarro Ndiaye Nguyen Novak"
    " Nowak Nyström Okafor Okonkwo Olsen Ortega Osei Papadaki Park Patel Pereira Petrov Popescu"
    " Quist Ramos Rao Reyes Ricci Rossi Roux Sato Schäfer Shah Silva Sørensen Suzuki Tanaka Tesfaye"
    " Torres Vargas Verma Virtanen Vos Wagner Wang Weber Wójcik Yildiz Zhang Zimmermann"
)
_GIVEN: Final = _GIVEN_NAMES.split()
_FAMILY: Final = _FAMILY_NAMES.split()
_ASCII: Final = str.maketrans(
    {
        **dict(zip("áãäåéèëíñóöøúüćçşł", "aaaaeeeinooouuccsl", strict=True)),
        "Ö": "O",
        "Ş": "S",
    }
)
# The name of a department, its titles from the most to the least frequent, its weight.
_DEPARTMENTS: Final = (
    ("Claims", ("Claims Handler", "Claims Adjuster", "Claims Team Lead"), 22),
    ("Customer Service", ("Service Agent", "Service Specialist", "Service Manager"), 20),
    ("Underwriting", ("Underwriter", "Senior Underwriter", "Portfolio Lead"), 15),
    ("Sales", ("Account Manager", "Broker Relations Manager", "Regional Director"), 14),
    ("Information Technology", ("Software Engineer", "System Engineer", "IT Manager"), 10),
    ("Finance", ("Accountant", "Controller", "Head of Accounting"), 7),
    ("Human Resources", ("HR Advisor", "Recruiter", "HR Business Partner"), 5),
    ("Legal and Compliance", ("Compliance Officer", "Legal Counsel", "Data Protection Officer"), 4),
    ("Actuarial", ("Actuary", "Pricing Analyst", "Chief Actuary"), 3),
)
_OFFICES: Final = (
    ("Germany", "Hamburg", "de-DE"),
    ("Netherlands", "Utrecht", "nl-NL"),
    ("Spain", "Valencia", "es-ES"),
    ("Sweden", "Göteborg", "sv-SE"),
    ("Portugal", "Porto", "pt-PT"),
)
_PROJECTS: Final = (
    "All Employees",
    "Managers",
    "Remote Work",
    "Works Council",
    "First Aiders",
    "Fire Wardens",
    "Data Protection Circle",
    "Intranet Editors",
    "Project Harbour",
    "Project Lantern",
    "Project Meridian",
    "Project Tidewater",
    "Onboarding 2026",
    "Mentoring Programme",
    "Policy Owners",
    "Policy Approvers",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory, as Entra maps it to a user."""

    object_id: str
    given_name: str
    family_name: str
    user_name: str
    department: str
    title: str
    office: tuple[str, str, str]  # country, city, language
    number: str

    @property
    def display_name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    def posted(self) -> dict[str, Any]:
        """The body of POST /Users."""
        country, city, language = self.office
        return {
            "schemas": [CORE, ENTERPRISE],
            "externalId": self.object_id,
            "userName": self.user_name,
            "displayName": self.display_name,
            "active": True,
            "name": {
                "formatted": self.display_name,
                "givenName": self.given_name,
                "familyName": self.family_name,
            },
            "emails": [{"type": "work", "value": self.user_name, "primary": True}],
            "title": self.title,
            "preferredLanguage": language,
            "addresses": [{"type": "work", "locality": city, "country": country}],
            ENTERPRISE: {"employeeNumber": self.number, "department": self.department},
            "meta": {"resourceType": "User"},
            "roles": [],
        }


class Directory:
    """People without end, and the groups of a company; all chance comes from one number."""

    def __init__(self, domain: str, number: int) -> None:
        self.chance = random.Random(number)  # noqa: S311  # made-up data
        self._domain = domain
        self._taken: set[str] = set()
        self._count = 0

    def hire(self) -> Person:
        """The next person, whose user name nobody else has."""
        given, family = self.chance.choice(_GIVEN), self.chance.choice(_FAMILY)
        weights = [weight for _, _, weight in _DEPARTMENTS]
        [(department, titles, _)] = self.chance.choices(_DEPARTMENTS, weights)
        [title] = self.chance.choices(titles, (12, 5, 1))
        self._count += 1
        return Person(
            object_id=self.new_id(),
            given_name=given,
            family_name=family,
            user_name=self._user_name(given, family),
            department=department,
            title=title,
            office=self.chance.choice(_OFFICES),
            number=f"{10_000 + self._count}",
        )

    def moved(self, person: Person) -> Person:
        """The person with another title, in another department or office."""
        department, titles, _ = self.chance.choice(_DEPARTMENTS)
        return replace(
            person,
            department=department,
            title=titles[0],
            office=self.chance.choice(_OFFICES),
        )

    def new_id(self) -> str:
        """An object id."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def groups(self) -> tuple[str, ...]:
        """The names of 30 groups: a department each, an office each, and what people do together."""
        departments = tuple(f"Department {name}" for name, _, _ in _DEPARTMENTS)
        offices = tuple(f"Office {city}" for _, city, _ in _OFFICES)
        return departments + offices + _PROJECTS

    def belongs(self, person: Person, group: str) -> bool:
        """True if the person is a member of the group; by chance where neither name decides."""
        if group.startswith("Department "):
            return group.endswith(person.department)
        if group.startswith("Office "):
            return group.endswith(person.office[1])
        return group == "All Employees" or self.chance.random() < 0.04

    def _user_name(self, given: str, family: str) -> str:
        plain = f"{given}.{family}".lower().translate(_ASCII)
        name, further = plain, 1
        while name in self._taken:
            further += 1
            name = f"{plain}{further}"
        self._taken.add(name)
        return f"{name}@{self._domain}"
