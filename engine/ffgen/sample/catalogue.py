"""The methods of Faker that a spec may name, in both naming styles, as data.

`PYTHON` lists the methods of Python Faker that give one plain value and do nothing else: none that reads a file,
fills in a template, packs an archive or changes Faker itself. `JAVASCRIPT` maps the names of Faker.js (version 9) to
them. A method that is in neither can't be called. The lists of words are after the English ones of Faker.js (MIT).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

After = Literal["", "reserved", "words", "lines"]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of Python Faker, or a list of words where it has none.

    `takes` maps a caller's parameter to the method's own (`min` to `min_value`); one with a form (`start_date:-{}y`)
    is written into it. Other parameters of the method are taken as they are, unless `only`. `gives` are parameters
    that hold where the caller says nothing. `after`: what becomes of a value. `words`: instead of a method, texts to
    pick from, one of each list, joined by a space.
    """

    name: str
    takes: Mapping[str, str] = field(default_factory=dict)
    gives: Mapping[str, Any] = field(default_factory=dict)
    after: After = ""
    words: tuple[tuple[str, ...], ...] = ()


def plain(*names: str) -> dict[str, Method]:
    """Methods that are called as they are."""
    return {name: Method(name) for name in names}


def words(*lists: str) -> Method:
    """A pick from each list; entries are divided by commas."""
    return Method("", words=tuple(tuple(entry.strip() for entry in each.split(",")) for each in lists))


RESERVED = (
    "ascii_company_email ascii_free_email company_email free_email free_email_domain dga domain_name hostname "
    "image_url uri url"
)
"""Methods whose hosts may be somebody's: they are moved to the reserved top level domain `example` (RFC 2606)."""

EVERYWHERE = """
aba address am_pm android_platform_token ascii_email ascii_safe_email bank_country bban boolean bothify bs
building_number catch_phrase century chrome city city_suffix color color_name company company_suffix coordinate
country country_calling_code country_code credit_card_expire credit_card_full credit_card_number
credit_card_provider credit_card_security_code cryptocurrency_code cryptocurrency_name currency_code currency_name
currency_symbol current_country current_country_code date date_between date_between_dates date_object date_of_birth
date_time date_time_ad date_time_between date_time_between_dates day_of_month day_of_week doi domain_word ean ean13
ean8 email emoji file_extension file_name file_path firefox first_name first_name_female first_name_male
first_name_nonbinary future_date future_datetime hex_color hexify http_method http_status_code iana_id iban
internet_explorer ios_platform_token ipv4 ipv4_network_class ipv4_private ipv4_public ipv6 isbn10 isbn13 iso8601 job
job_female job_male language_code language_name last_name last_name_female last_name_male last_name_nonbinary
latitude lexify license_plate linux_platform_token linux_processor locale localized_ean localized_ean13
localized_ean8 longitude mac_address mac_platform_token mac_processor md5 mime_type month month_name msisdn name
name_female name_male name_nonbinary nic_handle null_boolean numerify opera paragraph passport_number password
past_date past_datetime phone_number port_number postcode prefix prefix_female prefix_male prefix_nonbinary pricetag
pybool pydecimal pyfloat pyint pystr random_digit random_digit_above_two random_digit_not_null random_element
random_int random_letter random_lowercase_letter random_number random_uppercase_letter rgb_color rgb_css_color
ripe_id safari safe_color_name safe_domain_name safe_email safe_hex_color sbn9 sentence sha1 sha256 slug ssn
street_address street_name street_suffix suffix suffix_female suffix_male suffix_nonbinary swift swift11 swift8 text
time time_object timezone tld unix_device unix_partition unix_time uri_extension uri_page uri_path user_agent
user_name uuid4 vin windows_platform_token word year
"""

SOMEWHERE = """
aadhaar_id academic_prefix academic_suffix administrative_unit ape_code area_code autonomous_community bairro ban
bank basic_phone_number bic borough businesses_inn canton_code canton_name catch_phrase_attribute catch_phrase_noun
catch_phrase_verb cellphone_number checking_account cie cin city_name city_prefix city_with_postcode clabe cnpj
company_business_id company_category company_id company_prefix company_type company_vat concelho
correspondent_account county cpf department_name department_number dialing_code district distrito ein estado_nome
estado_sigla first_kana_name first_kana_name_female first_kana_name_male first_romanized_name
first_romanized_name_female first_romanized_name_male freguesia full_name gstin identity_card_number individuals_inn
invalid_ssn itin jan jan13 jan8 kana_name kana_name_female kana_name_male kpp kvnr landline_code large_company
last_kana_name last_romanized_name license_plate_car license_plate_motorbike middle_name middle_name_female
middle_name_male military_apo military_dpo military_ship military_state nationality neighborhood nip pan pesel
place_name plate_number postal_code postalcode postalcode_in_state postalcode_plus4 postcode_in_state prefecture
province province_abbr pwz_doctor pwz_nurse rcs_number real_city_name region regon rg road_address romanized_name
romanized_name_female romanized_name_male rvnr secondary_address siren siret snils state state_abbr state_name
street_prefix town traditional_month_name upc_a upc_e vat_id zipcode zipcode_in_state zipcode_plus4
"""
"""Methods that Faker has for some locales only. Personal numbers that it draws from a clock or from chance that can't
be seeded are left out: Spain's, Mexico's, Greece's tin, Sweden's org_id."""


def this(name: str, period: str) -> Method:
    """Between the beginning of the period that `as_of` lies in, and `as_of`."""
    ends = {"start_date": f"this {period}", "end_date": "now"}
    return Method("date_time_between" if name.startswith("date_time") else "date_between", gives=ends)


PYTHON: dict[str, Method] = {
    **plain(*EVERYWHERE.split(), *SOMEWHERE.split()),
    **{name: Method(name, after="reserved") for name in RESERVED.split()},
    **{
        name: this(name, period)
        for period in ("century", "decade", "year", "month")
        for name in (f"date_this_{period}", f"date_time_this_{period}")
    },
    "words": Method("words", after="words"),
    "sentences": Method("sentences", after="words"),
    "paragraphs": Method("paragraphs", after="lines"),
}

SIZE = {"length", "digits", "left_digits", "right_digits", "max_chars", "min_chars", "max_nb_chars", "nb"} | {
    "nb_sentences",
    "nb_words",
    "deep",
    "depth",
    "levels",
}
"""Parameters that say how long a value is."""

BARRED = {"allowed_path_traversal_elements", "cast_to", "placeholder_url", "raw_output", "schemes", "tzinfo", "seed"}
"""Parameters that take no plain value, or one that Faker would evaluate."""

_THAI = frozenset({"th", "th_TH"})
_PHILIPPINES = frozenset({"en_PH", "fil_PH", "tl_PH"})
NOT_FOR: dict[str, frozenset[str]] = {
    "bban": _PHILIPPINES,
    "iban": _PHILIPPINES,
    "license_plate": frozenset({"uk_UA"}),
    "ssn": frozenset({"et_EE", "fi_FI", "lv_LV", "no_NO", "sv_SE", "uk_UA", "zh_CN"}) | _THAI,
    "vat_id": frozenset({"el_GR", "sv_SE"}) | _THAI,
}
"""Locales for which Faker's method reads the clock, or chance that can't be seeded for it alone (another run would have
other values), or writes a line to the log for each value. Found by drawing all methods for all locales under two
clocks, hash seeds and time zones."""

_AGES = {"min": "minimum_age", "max": "maximum_age"}

ADJECTIVES = (
    "Awesome, Bespoke, Elegant, Ergonomic, Fantastic, Fresh, Generic, Gorgeous, Handcrafted, Handmade, Incredible, "
    "Intelligent, Licensed, Luxurious, Modern, Oriental, Practical, Recycled, Refined, Rustic, Sleek, Small, Soft, "
    "Tasty, Unbranded"
)
MATERIALS = "Aluminum, Bamboo, Bronze, Ceramic, Concrete, Cotton, Gold, Granite, Marble, Metal, Plastic, Rubber, " + (
    "Silk, Steel, Wooden"
)
PRODUCTS = "Bacon, Ball, Bike, Car, Chair, Cheese, Chicken, Chips, Computer, Fish, Gloves, Hat, Keyboard, Mouse, " + (
    "Pants, Pizza, Salad, Sausages, Shirt, Shoes, Soap, Table, Towels, Tuna"
)

JAVASCRIPT: dict[str, Method] = {
    "airline.flightNumber": Method("numerify", gives={"text": "%###"}),
    "airline.seat": Method("bothify", gives={"text": "%?", "letters": "ABCDEF"}),
    "animal.type": words(
        "bear, bird, cat, cow, crocodile, deer, dog, dolphin, duck, fish, fox, frog, goat, horse, lion, monkey, mouse, "
        "owl, penguin, pig, rabbit, seal, shark, sheep, snake, squirrel, swan, tiger, turtle, whale, wolf, zebra"
    ),
    "color.human": Method("color_name"),
    "color.rgb": Method("hex_color"),
    "commerce.department": words(
        "Automotive, Baby, Beauty, Books, Clothing, Computers, Electronics, Games, Garden, Grocery, Health, Home, "
        "Industrial, Jewelry, Kids, Movies, Music, Outdoors, Shoes, Sports, Tools, Toys"
    ),
    "commerce.isbn": Method("isbn13"),
    "commerce.price": Method(
        "pyfloat",
        {"min": "min_value", "max": "max_value", "dec": "right_digits"},
        {"min_value": 1, "max_value": 1000, "right_digits": 2},
    ),
    "commerce.product": words(PRODUCTS),
    "commerce.productAdjective": words(ADJECTIVES),
    "commerce.productMaterial": words(MATERIALS),
    "commerce.productName": words(ADJECTIVES, MATERIALS, PRODUCTS),
    "company.buzzPhrase": Method("bs"),
    "company.catchPhrase": Method("catch_phrase"),
    "company.name": Method("company"),
    "database.collation": words("utf8_unicode_ci, utf8_general_ci, utf8_bin, ascii_bin, ascii_general_ci, cp1250_bin"),
    "database.column": words("id, title, name, email, phone, token, group, category, comment, status, avatar"),
    "database.engine": words("InnoDB, MyISAM, MEMORY, CSV, BLACKHOLE, ARCHIVE"),
    "database.mongodbObjectId": Method("hexify", gives={"text": "^" * 24}),
    "database.type": words("int, varchar, text, date, datetime, tinyint, time, timestamp, smallint, float, blob, enum"),
    "datatype.boolean": Method("pybool"),
    "date.anytime": Method("date_time_between", gives={"start_date": "-1y", "end_date": "+1y"}),
    "date.between": Method("date_time_between", {"from": "start_date", "to": "end_date"}),
    "date.birthdate": Method("date_of_birth", _AGES, {"minimum_age": 18, "maximum_age": 80}),
    "date.future": Method("future_datetime", {"years": "end_date:+{}y"}, {"end_date": "+1y"}),
    "date.month": Method("month_name"),
    "date.past": Method("past_datetime", {"years": "start_date:-{}y"}, {"start_date": "-1y"}),
    "date.recent": Method("past_datetime", {"days": "start_date:-{}d"}, {"start_date": "-1d"}),
    "date.soon": Method("future_datetime", {"days": "end_date:+{}d"}, {"end_date": "+1d"}),
    "date.timeZone": Method("timezone"),
    "date.weekday": Method("day_of_week"),
    "finance.accountName": words(
        "Checking, Savings, Money Market, Investment, Home Loan, Credit Card, Auto Loan, Personal Loan", "Account"
    ),
    "finance.accountNumber": Method("numerify", gives={"text": "########"}),
    "finance.amount": Method(
        "pyfloat",
        {"min": "min_value", "max": "max_value", "dec": "right_digits"},
        {"min_value": 0, "max_value": 1000, "right_digits": 2},
    ),
    "finance.bic": Method("swift"),
    "finance.creditCardCVV": Method("credit_card_security_code"),
    "finance.creditCardIssuer": Method("credit_card_provider"),
    "finance.creditCardNumber": Method("credit_card_number", {"issuer": "card_type"}),
    "finance.currencyCode": Method("currency_code"),
    "finance.currencyName": Method("currency_name"),
    "finance.currencySymbol": Method("currency_symbol"),
    "finance.ethereumAddress": Method("hexify", gives={"text": "0x" + "^" * 40}),
    "finance.iban": Method("iban"),
    "finance.pin": Method("numerify", gives={"text": "####"}),
    "finance.routingNumber": Method("aba"),
    "finance.transactionType": words("deposit, withdrawal, payment, invoice"),
    "git.commitSha": Method("sha1"),
    "helpers.arrayElement": Method("random_element", {"array": "elements"}),
    "helpers.replaceSymbols": Method("bothify", {"string": "text"}, {"letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}),
    "image.url": Method("image_url", after="reserved"),
    "internet.color": Method("hex_color"),
    "internet.displayName": Method("user_name"),
    "internet.domainName": Method("domain_name", after="reserved"),
    "internet.domainSuffix": Method("tld"),
    "internet.domainWord": Method("domain_word"),
    "internet.email": Method("ascii_safe_email"),
    "internet.emoji": Method("emoji"),
    "internet.exampleEmail": Method("ascii_safe_email"),
    "internet.httpMethod": Method("http_method"),
    "internet.httpStatusCode": Method("http_status_code"),
    "internet.ip": Method("ipv4"),
    "internet.ipv4": Method("ipv4"),
    "internet.ipv6": Method("ipv6"),
    "internet.mac": Method("mac_address"),
    "internet.password": Method("password", gives={"length": 15, "special_chars": False}),
    "internet.port": Method("port_number"),
    "internet.protocol": words("http, https"),
    "internet.url": Method("url", after="reserved"),
    "internet.userAgent": Method("user_agent"),
    "internet.userName": Method("user_name"),
    "internet.username": Method("user_name"),
    "location.buildingNumber": Method("building_number"),
    "location.cardinalDirection": words("North, East, South, West"),
    "location.city": Method("city"),
    "location.continent": words("Africa, Antarctica, Asia, Australia, Europe, North America, South America"),
    "location.country": Method("country"),
    "location.countryCode": Method("country_code"),
    "location.county": Method("county"),
    "location.direction": words("North, Northeast, East, Southeast, South, Southwest, West, Northwest"),
    "location.language": Method("language_name"),
    "location.latitude": Method("latitude"),
    "location.longitude": Method("longitude"),
    "location.ordinalDirection": words("Northeast, Southeast, Southwest, Northwest"),
    "location.secondaryAddress": Method("secondary_address"),
    "location.state": Method("state"),
    "location.street": Method("street_name"),
    "location.streetAddress": Method("street_address"),
    "location.timeZone": Method("timezone"),
    "location.zipCode": Method("postcode"),
    "lorem.lines": Method("sentences", {"lineCount": "nb"}, after="lines"),
    "lorem.paragraph": Method("paragraph", {"sentenceCount": "nb_sentences"}),
    "lorem.paragraphs": Method("paragraphs", {"paragraphCount": "nb"}, after="lines"),
    "lorem.sentence": Method("sentence", {"wordCount": "nb_words"}),
    "lorem.sentences": Method("sentences", {"sentenceCount": "nb"}, after="words"),
    "lorem.slug": Method("slug"),
    "lorem.text": Method("text"),
    "lorem.word": Method("word"),
    "lorem.words": Method("words", {"wordCount": "nb"}, after="words"),
    "music.genre": words(
        "Blues, Classical, Country, Electronic, Folk, Funk, Hip Hop, Jazz, Latin, Metal, Pop, Rap, Reggae, Rock, Soul"
    ),
    "number.float": Method(
        "pyfloat",
        {"min": "min_value", "max": "max_value", "fractionDigits": "right_digits"},
        {"min_value": 0, "max_value": 1},
    ),
    "number.hex": Method("hexify", gives={"text": "^"}),
    "number.int": Method(
        "pyint",
        {"min": "min_value", "max": "max_value", "multipleOf": "step"},
        {"min_value": 0, "max_value": 2**53 - 1},
    ),
    "person.firstName": Method("first_name"),
    "person.fullName": Method("name"),
    "person.gender": words("Female, Male, Non-binary, Agender, Genderfluid, Two-spirit"),
    "person.jobTitle": Method("job"),
    "person.lastName": Method("last_name"),
    "person.middleName": Method("first_name"),
    "person.prefix": Method("prefix"),
    "person.sex": words("female, male"),
    "person.sexType": words("female, male"),
    "person.suffix": Method("suffix"),
    "person.zodiacSign": words(
        "Aries, Taurus, Gemini, Cancer, Leo, Virgo, Libra, Scorpio, Sagittarius, Capricorn, Aquarius, Pisces"
    ),
    "phone.number": Method("phone_number"),
    "string.alpha": Method("pystr", {"length": "max_chars"}, {"max_chars": 1}),
    "string.alphanumeric": Method("password", gives={"length": 8, "special_chars": False}),
    "string.hexadecimal": Method("hexify", gives={"text": "0x^"}),
    "string.numeric": Method("numerify", gives={"text": "#"}),
    "string.uuid": Method("uuid4"),
    "system.commonFileName": Method("file_name"),
    "system.fileExt": Method("file_extension"),
    "system.fileName": Method("file_name"),
    "system.filePath": Method("file_path"),
    "system.mimeType": Method("mime_type"),
    "system.semver": Method("numerify", gives={"text": "%.#.#"}),
    "vehicle.color": Method("color_name"),
    "vehicle.fuel": words("Diesel, Electric, Gasoline, Hybrid"),
    "vehicle.type": words("Cargo Van, Convertible, Coupe, Hatchback, Minivan, Pickup, Sedan, SUV, Wagon"),
    "vehicle.vin": Method("vin"),
    "vehicle.vrm": Method("license_plate"),
    "word.adjective": Method("word", gives={"part_of_speech": "adjective"}),
    "word.adverb": Method("word", gives={"part_of_speech": "adverb"}),
    "word.noun": Method("word", gives={"part_of_speech": "noun"}),
    "word.sample": Method("word"),
    "word.verb": Method("word", gives={"part_of_speech": "verb"}),
    "word.words": Method("words", {"count": "nb"}, after="words"),
}
