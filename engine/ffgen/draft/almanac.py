"""Dates as people write them in other languages, made ISO dates: `1. März 2024`, `le 1er janvier 2015`, `31 de
diciembre de 2024`, `von Januar bis Juni 2024`."""

import calendar
import re

_NAMES = """
januar februar märz april mai juni juli august september oktober november dezember
jänner feber - - - - - - - - - -
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
- - - - - - - - setiembre - - -
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
januari februari maart april mei juni juli augustus september oktober november december
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november december
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień
"""
_MONTHS = {name: at for line in _NAMES.split("\n") for at, name in enumerate(line.split(), 1) if name != "-"}
_MONTHS |= {"marz": 3, "maerz": 3, "fevrier": 2, "aout": 8, "decembre": 12, "marco": 3, "wrzesnia": 9}
_ENGLISH = {name.lower() for name in calendar.month_name}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_D = r"(\d{1,2})(?:\.|er|ers|º|°|ª|:a|:e)?"
_OF = r"(?: de| d'| d’| van| of)?"
_Y = r",?(?: de| del| do| w)? (\d{4})(?: roku| r\.)?\b"
_AND = (
    r"(?: bis(?: zum)?| et(?: le)?| au| à| y(?: el)?| al?| hasta(?: el)?| e(?: il| o)?| até(?: o)?| a(?: o)?| ao"
    r"| tot(?: en met)?| en| till| och| til| og| do| i| und(?: dem)?| to| and|\s?[-–])"
)
_SPAN = re.compile(rf"(?i)\b{_D}{_OF} ?({_MONTH})({_AND}) {_D}{_OF} ?({_MONTH})\b{_Y}")
_DAYS = re.compile(rf"(?i)\b{_D}({_AND}) {_D}{_OF} ?({_MONTH})\b{_Y}")
_DAY = re.compile(rf"(?i)\b{_D}{_OF} ?({_MONTH})\b{_Y}")
_MONTHS_OF = re.compile(rf"(?i)\b({_MONTH})({_AND}) ({_MONTH})\b{_Y}")
_MONTH_OF = re.compile(rf"(?i)(?<!\d )(?<!\d\. )(?<!\d de )\b({_MONTH})\b{_Y}")
_FIRST = r"1\.|1er|1º|erste[nsmr]?|premier|primer|primeiro|primo|eerste|första|første|pierwszy[mn]?|pierwszego"
_SECOND = r"2\.|2e|2º|zweite[nsmr]?|deuxième|second|segundo|secondo|tweede|andra|anden|andet|drugi[m]?|drugiego"
_THIRD = r"3\.|3e|3º|dritte[nsmr]?|troisième|tercer|terceiro|terzo|derde|tredje|trzeci[m]?|trzeciego"
_FOURTH = (
    r"4\.|4e|4º|vierte[nsmr]?|quatrième|cuarto|quarto|vierde|fjärde|fjerde"
    r"|czwarty[m]?|czwartego|letzte[nsmr]?|dernier|último|ultimo|laatste"
)
_WHICH = f"({_FIRST})|({_SECOND})|({_THIRD})|({_FOURTH})"
_LINK = r"(?: de(?:l| l['’]ann[ée]e)?| do| van| av| af| w)?,? (\d{4})(?: roku)?\b"
_QUARTER = re.compile(
    rf"(?i)\b(?:{_WHICH}) (?:quartal[es]?|quartals|trimestre|kwartaal|kvartal(?:et)?|kwartale|kwartału?){_LINK}"
)
_HALF = re.compile(
    rf"(?i)\b(?:{_WHICH}) (?:halbjahr(?:es)?|hälfte|semestre|halfjaar|halvåret|halvår|półroczu|półrocze){_LINK}"
)


def dated(text: str) -> str:
    """The text with its dates as `2024-03-01`, months as `2024-03` and quarters as `Q1 2024`.

    Months that are written as in English, and dates that there are not, stay."""
    text = _SPAN.sub(lambda m: _both(m, _iso(m[6], m[2], m[1]), m[3], _iso(m[6], m[5], m[4])), text)
    text = _DAYS.sub(lambda m: _both(m, _iso(m[5], m[4], m[1]), m[2], _iso(m[5], m[4], m[3])), text)
    text = _DAY.sub(lambda m: _iso(m[3], m[2], m[1]) or m[0], text)
    text = _MONTHS_OF.sub(_months, text)
    text = _MONTH_OF.sub(_month, text)
    text = _QUARTER.sub(lambda m: f"Q{_which(m)} {m[5]}", text)
    return _HALF.sub(lambda m: f"{m[5]}-01 - {m[5]}-06" if _which(m) == 1 else f"{m[5]}-07 - {m[5]}-12", text)


def _both(match: re.Match[str], low: str, link: str, high: str) -> str:
    return f"{low}{link} {high}" if low and high else match[0]


def _iso(year: str, month: str, day: str) -> str:
    """An ISO date; empty where there is no such day."""
    number = _MONTHS[month.lower()]
    if not 1000 <= int(year) <= 2999 or not 1 <= int(day) <= calendar.monthrange(int(year), number)[1]:
        return ""
    return f"{int(year):04}-{number:02}-{int(day):02}"


def _months(match: re.Match[str]) -> str:
    first, link, last, year = match.groups()
    if {first.lower(), last.lower()} <= _ENGLISH:
        return match[0]
    return f"{year}-{_MONTHS[first.lower()]:02}{link} {year}-{_MONTHS[last.lower()]:02}"


def _month(match: re.Match[str]) -> str:
    return match[0] if match[1].lower() in _ENGLISH else f"{match[2]}-{_MONTHS[match[1].lower()]:02}"


def _which(match: re.Match[str]) -> int:
    return next(at for at in range(1, 5) if match[at])
