"""Words that steer the reading: what opens a list, what separates its parts, what heads a name, what is no field."""

OPENERS = set(
    """
    with including include containing contain having showing tracking covering such like field column attribute
    feature consisting following each storing listing recording capturing whose has have featuring variable
    schema track cover store plus called named
    """.split()
)
FIELDS = {"field", "column", "attribute"}
"""After these words every word is a field, whether anybody knows it or not."""
SEPARATORS = {",", ";", "/", "&", "+", "|", "•", "*", "·"}
JOINERS = {"and", "n", "or", "then", "also"}
ROWS = set(
    """
    row catalog catalogue library item record entry sample observation line datapoint point example instance
    tuple document
    """.split()
)
STOPS = set(
    """
    from to in on per a an the by of at i for and or with is this data it as up us like each every all value not
    no so long link show share follow view track score sort
    """.split()
)
STOPS -= {"score", "value", "view", "like", "share"}
BARE = set(
    """
    number total unit detail details day time start end result sale data class term mark hour key feature source
    length page content label long limit bin power light
    """.split()
)
"""Words that are a field only where fields are listed."""
MEASURES = set(
    """
    month year day hour minute second week millisecond dollar euro meter kilometer kilogram
    """.split()
)
HEADS = set(
    """
    date time address name number type code status id amount price rate count level score text description city
    location duration category label flag url size reference value percentage year email phone title country
    """.split()
)
HEADED = set(
    """
    date time cost price type reason cause amount place percentage year length duration level source method color size
    status rate value condition
    """.split()
)
"""What may stand first in a name: `date of incident`, `cost per click`."""
SPANS = {"day", "week", "month", "year", "hour", "minute"}
"""What is counted from one event to another: `days since purchase`."""
DONE = {"required", "needed", "included", "enabled", "verified", "accepted", "granted", "signed"}
"""What is so of a field or not: `insurance included`."""
COUNTS = {"number", "count"}
VERBS = set(
    """
    should must be is are can may between from over under above below only at who which that in for per on of to
    by about when where while not optional unique missing mostly usually ranging range either one was were so if
    use using make please also want need nullable varying varies depends depending according based vary given
    thi
    """.split()
)
PARTS = set(
    """
    id name number code key type email phone address age gender city country
    """.split()
)
"""What of another thing is a field: `customer id`, `vendor name`."""
COLLECTIVE = set(
    """
    history data inventory log staff people payroll telemetry traffic feedback
    """.split()
)
"""Words that stand for many though they are singular."""
OF_PEOPLE = set(
    """
    name full_name first_name last_name middle_name email phone address city state country postcode
    date_of_birth age gender ssn occupation company title marital_status user_name password nationality hobby
    height weight income
    """.split()
)
DATA = set(
    """
    catalog catalogue library item record profile account report list rate price market series usage view
    address estate housing
    """.split()
)
UNITS = set(
    """
    hour day minute year month point night guest bedroom bathroom room seat credit unit page calorie share item
    mile visit second week skill child dimension
    """.split()
)
MISSING = set(
    """
    missing null empty blank absent unknown without na nan incomplete none
    """.split()
)
NO_SHARE = set(
    """
    discount tax vat interest growth commission increase rate off margin humidity apr
    """.split()
)
SPOILED = {"duplicate": "duplicates", "duplicated": "duplicates", "outlier": "outliers", "typo": "typos"}
GLUE = set(
    """
    is are being be can must should will of either one value possible option as the a which that
    """.split()
)
CLOSED = set(
    """
    status priority type level category severity stage tier plan gender role size color state method class mode
    channel kind outcome result reason shift option format medium source contract
    """.split()
)
VAGUE = set(
    """
    popular affordable cheap expensive angry unhappy happy frequent struggling unusual weird abnormal strange suspicious
    risky loyal valuable busy trendy typical usual decent successful difficult problematic healthy unhealthy important
    interesting good bad nice reasonable appropriate long short heavy best worst power engaged engagement satisfied
    unsatisfied dissatisfied churny vulnerable
    """.split()
)
"""Words of a degree, of which a description leaves open where it begins."""
NOUNS = set(
    """
    application book class collection company contact description detail distribution feature format history
    instruction key level link log machine mean median model month name number output plan platform portfolio product
    project property quality reference report script second service start study system test time title tool total
    track training type unit use used update variable version visit website week work year end plan price order media
    """.split()
)
"""Words that say little in a sentence, and are a field where fields are listed."""
YES = {"yes", "true", "y", "1"}
YES_NO = {"yes", "no", "true", "false", "y", "n", "0", "1"}
OPPOSITES = {
    "active": "inactive",
    "premium": "standard",
    "returning": "new",
    "new": "returning",
    "online": "offline",
    "paid": "unpaid",
    "male": "female",
    "female": "male",
    "man": "woman",
    "woman": "man",
    "married": "single",
    "domestic": "international",
    "remote": "on-site",
    "full time": "part-time",
    "smoker": "non-smoker",
    "employed": "unemployed",
    "positive": "negative",
    "gold": "basic",
    "vip": "regular",
    "private": "public",
    "urban": "rural",
    "completed": "open",
    "open": "closed",
    "successful": "failed",
    "failed": "succeeded",
    "cancelled": "kept",
    "indoor": "outdoor",
    "free": "paid",
}
NAMED = {
    "active": "status",
    "premium": "membership",
    "vip": "membership",
    "gold": "membership",
    "married": "marital_status",
    "male": "gender",
    "female": "gender",
    "man": "gender",
    "woman": "gender",
    "paid": "payment_status",
    "free": "plan",
    "completed": "status",
    "open": "status",
    "successful": "status",
    "failed": "status",
    "positive": "result",
    "returning": "customer_type",
    "new": "customer_type",
    "urban": "area_type",
    "online": "channel",
}
ROW_WORDS = set(
    """
    row record entry sample observation example instance tuple line
    """.split()
) | {"data point", "line of data"}

POINTING = {"fk", "reference", "→", ">", "referencing"}
"""Words before a table that another one refers to."""
_TYPES = {
    "integer": "int integer bigint smallint tinyint int32 int64 int4 int8",
    "number": "float double decimal numeric real number money float64 float32",
    "boolean": "bool boolean bit",
    "string": "varchar nvarchar char str string varchar2 nchar",
    "text": "text clob longtext",
    "date": "date",
    "datetime": "datetime timestamp timestamptz datetime2",
    "uuid": "uuid guid uuid4",
    "email": "email",
    "enum": "enum enumeration category categorical",
    "time": "time",
    "ipv4": "ipv4 inet",
    "url": "url uri",
}
TYPES = {word: kind for kind, words in _TYPES.items() for word in words.split()}
"""Words for types, as in a schema, and the types that they stand for."""
