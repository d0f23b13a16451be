"""Descriptions in other languages, and where people and places are from."""

import re
import time
from typing import Any

import pytest

import ffgen
from ffgen.draft.almanac import dated
from ffgen.draft.files import FOLDER
from ffgen.draft.scan import Scanner
from ffgen.draft.scope import look_around
from ffgen.draft.tongue import tongues
from ffgen.draft.tongues import spaced
from ffgen.draft.words import lexicon


def tables_of(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    spec = ffgen.draft(text).spec
    tables = spec["tables"] if spec.get("tables") else [spec["dataset"]]
    return {table["name"]: {one["name"]: one for one in table["fields"]} for table in tables}


def places_of(text: str) -> list[str]:
    scanner = Scanner(text)
    look_around(scanner)
    return scanner.request.locales


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("am 1. März 2024", "am 2024-03-01"),
        ("le 1er janvier 2015", "le 2015-01-01"),
        ("31 de diciembre de 2024", "2024-12-31"),
        ("1º de fevereiro de 2023", "2023-02-01"),
        ("il 15 agosto 2022", "il 2022-08-15"),
        ("3 mei 2024", "2024-05-03"),
        ("5 maja 2023 roku", "2023-05-05"),
        ("den 1 juni 2024", "den 2024-06-01"),
        ("1. oktober 2021", "2021-10-01"),
        ("1. März bis 30. Juni 2024", "2024-03-01 bis 2024-06-30"),
        ("enero a junio de 2024", "2024-01 a 2024-06"),
        ("im Mai 2024", "im 2024-05"),
        ("nel primo trimestre del 2025", "nel Q1 2025"),
        ("erstes Halbjahr 2024", "2024-01 - 2024-06"),
        ("31. Februar 2024", "31. Februar 2024"),
        ("April 2024", "April 2024"),
        ("May 2024 and 3 rows", "May 2024 and 3 rows"),
    ],
)
def test_dates_of_other_languages_are_iso_dates(said: str, plain: str) -> None:
    assert dated(said) == plain


def test_days_stand_before_months_where_another_language_is_spoken() -> None:
    assert spaced("clientes con fecha entre 01/02/2024 y 30/11/2024 para una tienda")[0].count("2024-02-01") == 1
    assert "01/02/2024" in spaced("customers with a date from 01/02/2024 to 30/11/2024")[0]


def test_groups_of_digits_are_one_number() -> None:
    assert "70000" in spaced("un salaire entre 24 000 et 70 000 euros pour les salariés")[0]


PATIENTS = {
    "de": "500 Patienten mit Vorname, Nachname, Geburtsdatum zwischen dem 1. März 1940 und dem 31. Dezember 2010. "
    "Jeder Patient hat 1 bis 4 Termine mit Datum, Dauer und Status (geplant, abgesagt, erledigt). "
    "Die Dauer darf leer sein.",
    "fr": "500 patients avec prénom, nom, date de naissance entre le 1er mars 1940 et le 31 décembre 2010. "
    "Chaque patient a de 1 à 4 rendez-vous avec date, durée et statut (planifié, annulé, terminé). "
    "La durée peut être vide.",
    "es": "500 pacientes con nombre, apellidos, fecha de nacimiento entre el 1 de marzo de 1940 "
    "y el 31 de diciembre de 2010. "
    "Cada paciente tiene de 1 a 4 citas con fecha, duración y estado (programada, anulada, realizada). "
    "La duración puede estar vacía.",
    "pt": "500 pacientes com nome, sobrenome, data de nascimento entre 1 de março de 1940 e 31 de dezembro de 2010. "
    "Cada paciente tem de 1 a 4 consultas com data, duração e status (marcada, anulada, realizada). "
    "A duração pode ficar vazia.",
    "it": "500 pazienti con nome, cognome, data di nascita tra il 1 marzo 1940 e il 31 dicembre 2010. "
    "Ogni paziente ha da 1 a 4 appuntamenti con data, durata e stato (fissato, annullato, svolto). "
    "La durata può essere vuota.",
    "nl": "500 patiënten met voornaam, achternaam, geboortedatum tussen 1 maart 1940 en 31 december 2010. "
    "Elke patiënt heeft 1 tot 4 afspraken met datum, duur en status (gepland, geannuleerd, voltooid). "
    "De duur mag leeg zijn.",
    "pl": "500 pacjentów z imieniem, nazwiskiem i datą urodzenia od 1 marca 1940 do 31 grudnia 2010. "
    "Każdy pacjent ma od 1 do 4 terminy: data, czas trwania, status (umówiony, odwołany, odbyty). "
    "Czas trwania może być pusty.",
    "sv": "500 patienter med förnamn, efternamn, födelsedatum mellan 1 mars 1940 och 31 december 2010. "
    "Varje patient har 1 till 4 läkartider med datum, varaktighet och status (planerad, avbokad, genomförd). "
    "Varaktighet får vara tomt.",
    "da": "500 patienter med fornavn, efternavn, fødselsdato mellem 1. marts 1940 og 31. december 2010. "
    "Hver patient har 1 til 4 aftaler med dato, varighed og status (planlagt, aflyst, gennemført). "
    "Varighed må være tom.",
}
LOCALES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES", "pt": "pt_BR", "it": "it_IT"}
LOCALES |= {"nl": "nl_NL", "pl": "pl_PL", "sv": "sv_SE", "da": "da_DK"}


@pytest.mark.parametrize("code", sorted(PATIENTS))
def test_the_same_is_read_in_every_language(code: str) -> None:
    text = PATIENTS[code]
    spec = ffgen.draft(text).spec
    found = tables_of(text)
    assert {*found} == {"patients", "appointments"}
    assert {table.get("locale") for table in spec["tables"]} == {LOCALES[code]}
    assert spec["tables"][0]["count"] == 500
    assert {"first_name", "last_name"} <= {*found["patients"]}
    assert found["patients"]["date_of_birth"]["range"] == ["1940-03-01", "2010-12-31"]
    assert found["appointments"]["patient_id"]["ref"] == {"to": "patients.patient_id", "min": 1, "max": 4}
    listed = re.search(r"\(([^)]*)\)", text)
    assert listed is not None and found["appointments"]["status"]["values"] == listed[1].split(", ")
    assert found["appointments"]["duration"].get("nullable")


def test_every_language_has_its_things_and_is_tested() -> None:
    assert {*PATIENTS} == {*lexicon()["languages"]} == {path.stem for path in (FOLDER / "tongues").glob("*.txt")}
    for code, tongue in tongues().items():
        assert len(tongue.things) > 400, code
        assert all(value.isascii() and value.strip() for value in tongue.things.values()), code


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("300 Wohnungen mit Adresse, Quadratmeterzahl und optionalem Baujahr", "year_built", {"nullable": True}),
        ("Bestellungen mit eindeutiger Bestellnummer und Datum", "order_id", {"unique": True}),
        ("ventas con precio entre 5,90 y 199,90 y fecha", "price", {"range": [5.9, 199.9]}),
        ("logements avec adresse, loyer et balcon oui/non", "balcony", {"type": "boolean"}),
        ("ordini con data e importo lordo tra 10 e 950", "gross_amount", {"range": [10, 950]}),
        ("klanten met naam en aantal bestellingen, leeftijd tussen 18 en 90", "age", {"range": [18, 90]}),
        ("faktury z numerem faktury i kwotą od 10 do 900 zł", "amount", {"range": [10, 900]}),
    ],
)
def test_what_is_said_of_a_field_holds(text: str, name: str, said: dict[str, Any]) -> None:
    (found,) = tables_of(text).values()
    assert {key: found[name].get(key) for key in said} == said


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Kundenadresse und Lieferantennummer der Firma", ["customer", "address"]),
        ("les factures avec la date de la livraison", ["delivery", "date"]),
        ("faktury, klienci, data wystawienia, nazwa klienta", ["customer", "name"]),
        ("une liste de salariés avec salaire mensuel", ["monthly", "salary"]),
    ],
)
def test_words_come_in_english_order(text: str, tokens: list[str]) -> None:
    said = [token.text for token in Scanner(text).tokens]
    assert any(said[at : at + len(tokens)] == tokens for at in range(len(said)))


@pytest.mark.parametrize(
    "text",
    [
        "customers with name, email and a language (en, es, de)",
        "an order has a date, a total and a note",
        "400 students: first name, last name, hobbies",
        "inventory of 250 items, sku, hazardous y/n",
    ],
)
def test_english_is_no_other_language(text: str) -> None:
    assert Scanner(text).request.language == ""


@pytest.mark.parametrize(
    ("text", "locales"),
    [
        ("names should be French please, 100 students", ["fr_FR"]),
        ("customers with name and iban. german bank", ["de_DE"]),
        ("students, our school is in Lyon", ["fr_FR"]),
        ("Dutch addresses for 300 customers", ["nl_NL"]),
        ("500 orders of a US company", ["en_US"]),
        ("a UK-based charity with donors", ["en_GB"]),
        ("customers from Spain and Italy", ["es_ES", "it_IT"]),
        ("customers, locale de_DE", ["de_DE"]),
        ("pt-BR customers with name", ["pt_BR"]),
        ("web shop customers Japan, 300 of them", ["ja_JP"]),
        ("120 patients, all German, with name", ["de_DE"]),
        ("drivers. All of it should look British.", ["en_GB"]),
        ("polish customers with name", ["pl_PL"]),
        ("employees (Germany), name", ["de_DE"]),
        ("customers in the US", ["en_US"]),
        ("clientes de una tienda en México con nombre", ["es_ES"]),
    ],
)
def test_where_people_are_from_is_read(text: str, locales: list[str]) -> None:
    assert places_of(text) == locales


@pytest.mark.parametrize(
    "text",
    [
        "movies with title, language: English, French or German",
        "movies with language (English, French, German)",
        "furniture to polish with name",
        "orders of Turkey sandwich and French press",
        "French fries, Danish pastry, Swiss cheese: dishes with price",
        "customers with country: Germany, France or Spain",
        "employees, speaks German yes/no",
        "dogs with breed German Shepherd",
        "students with nationality German 60%, French 40%",
        "give us customers with name",
        "countries such as Germany, France and Spain",
        "restaurants with cuisine Italian, French or Japanese",
    ],
)
def test_what_is_no_origin_sets_none(text: str) -> None:
    assert places_of(text) == []


def test_a_draft_of_another_language_takes_milliseconds() -> None:
    ffgen.draft(PATIENTS["de"])
    start = time.perf_counter()
    for _ in range(5):
        ffgen.draft(PATIENTS["de"])
    assert (time.perf_counter() - start) / 5 < 0.25
