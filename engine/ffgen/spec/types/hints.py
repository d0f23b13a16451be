"""Sample texts by a field's name, so that small models see what a row looks like."""

HINTS = {
    "full_name": ("Maria Lopez", "John Okafor"),
    "first_name": ("Maria", "John"),
    "last_name": ("Lopez", "Okafor"),
    "name": ("Maria Lopez", "John Okafor"),
    "city": ("Lisbon", "Toronto"),
    "country": ("Portugal", "Canada"),
    "company": ("Northwind Ltd", "Acme Tools"),
    "product": ("Steel Water Bottle", "Wool Blanket"),
    "street": ("12 Oak Street", "88 Harbour Road"),
    "title": ("Garden chair, folding", "Blue ceramic mug"),
}


def hint(name: str, index: int) -> str | None:
    """A sample text for a field by its name, or None.

    >>> hint("home_city", 0)
    'Lisbon'
    """
    lowered = name.lower().replace("-", "_").replace(" ", "_")
    if lowered in HINTS:
        return HINTS[lowered][index % 2]
    return next((texts[index % 2] for key, texts in HINTS.items() if key in lowered), None)
