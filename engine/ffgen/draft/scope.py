"""What holds for the whole of a description: where people are from, what is sold, whether tables hang together."""

import re

from ffgen.draft.catalogue import domains, field_phrases, kinds
from ffgen.draft.places import places
from ffgen.draft.scan import Scanner
from ffgen.draft.words import lexicon, singular


def look_around(scan: Scanner) -> None:
    """What holds for the whole: places, domain, rhythm, steps."""
    _locales(scan)
    words = " ".join(token.word for token in scan.tokens)
    _use_domain(scan)
    for kind in lexicon()["goods"]:
        if re.search(
            rf"\b{re.escape(singular(kind))} (?:\w+ )?(?:shop|store|retailer|seller|dealer|sale|brand)\b", words
        ) or (
            kind in ("supermarket", "pharmacy", "restaurant", "grocery", "cafe", "pizza") and f" {kind}" in f" {words}"
        ):
            scan.request.goods = kind
            break
    scan.request.is_exact = bool(
        re.search(
            r"\b(?:only|just|exactly|precisely|nothing but|solely)\b(?! \d)(?: \w+){0,4}?(?: column| field|:|\s)",
            scan.norm.text,
        )
        and re.search(
            r"\b(?:only|just|exactly|solely) "
            r"(?:the |these |those |this |two |three |four |five |\d )*"
            r"(?:following )?(?:column|field|attribute|\w+ and \w+|\w+ ,)",
            scan.norm.text,
        )
    )
    scan.request.is_linked = bool(
        re.search(
            r"\b(?:table|relational|linked|related|foreign key|joined|normalized|normalised|database|schema)\b",
            words,
        )
    )


def _use_domain(scan: Scanner) -> None:
    """Words that only name the domain: `smart home` is no home."""
    domain = domains().get(scan.request.domain)
    for phrase in domain.phrases if domain else ():
        for at in range(len(scan.tokens) - len(phrase) + 1):
            if len(phrase) > 1 and scan.phrase_at(at, len(phrase)) == phrase and phrase not in kinds():
                own = any(kind.domain == scan.request.domain for kind in kinds().get(phrase[-1:], []))
                longer = any(scan.phrase_at(at, size) in kinds() for size in range(len(phrase) + 1, len(phrase) + 4))
                if phrase not in field_phrases() and not own and not longer:
                    scan.use(at, at + len(phrase) - 1, "domain")


def _locales(scan: Scanner) -> None:
    """Where people and places are from."""
    for place in places(scan.tokens, scan.request.text):
        scan.use(place.first, place.last, "locale")
        if place.locale not in scan.request.locales:
            scan.request.locales.append(place.locale)
            where = " ".join(token.text for token in scan.tokens[place.first : place.last + 1])
            note = f'"{where}": people and places of {place.locale}'
            scan.request.understood.append(note if place.is_exact else f"{note}, the nearest that there is")
