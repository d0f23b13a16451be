"""Who a text is written by, as data: facets of a person that are combined like the digits of a number.

The sizes have no common factor, so that the facets turned side by side meet in every combination once: 5 x 9 x 32 x 11
= 15,840 requests before a voice comes back. None of them names a people, a faith or a country: a voice is to vary what
is written, not to say what such people are like.
"""

AGES = ("18 to 24", "25 to 34", "35 to 49", "50 to 64", "65 or older")
PLACES = (
    "a large city",
    "a village",
    "a harbour town",
    "the mountains",
    "a suburb",
    "an island",
    "a university town",
    "an old industrial town",
    "a farm",
)
WORK = (
    "nursing",
    "carpentry",
    "accounting",
    "teaching",
    "software",
    "farming",
    "the law",
    "a restaurant kitchen",
    "construction",
    "research",
    "the police",
    "a shop",
    "the theatre",
    "logistics",
    "banking",
    "gardening",
    "journalism",
    "car repair",
    "a hotel",
    "architecture",
    "social work",
    "the army",
    "a factory",
    "music",
    "insurance",
    "public transport",
    "sports",
    "a laboratory",
    "cleaning",
    "politics",
    "a call centre",
    "raising children",
)
MOODS = (
    "cheerful",
    "in a hurry",
    "sceptical",
    "grateful",
    "matter-of-fact",
    "annoyed",
    "curious",
    "tired",
    "proud",
    "amused",
    "worried",
)
FACETS = (AGES, PLACES, WORK, MOODS)


def voice(age: str, place: str, work: str, mood: str) -> str:
    """One combination in words."""
    return f"someone aged {age} from {place}, who knows {work} from the inside and is {mood}"
