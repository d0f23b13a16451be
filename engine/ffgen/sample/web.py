"""Words, colours and browsers that network samplers are made of."""

from collections.abc import Iterator

HOSTS = (
    "example.com",
    "example.net",
    "example.org",
    "www.example.com",
    "www.example.org",
    "shop.example.com",
    "blog.example.org",
    "docs.example.net",
)
"""Reserved by RFC 2606."""

SECTIONS = (
    "about blog books careers catalog category community contact docs events faq features forum gallery garden "
    "guides help home jobs kitchen learn magazine news offers outdoor partners press products projects recipes "
    "research resources reviews sale services shop solutions sports stories support team tools travel topics videos"
).split()

ADJECTIVES = (
    "annual basic best big blue bright brief classic clean clear common complete cool current daily deep digital "
    "early easy essential exclusive fast final fine first free fresh full general global golden good grand great "
    "green handy happy healthy hidden high honest ideal important inner joint key large latest light limited little "
    "local long main major minor mobile modern monthly natural new next nordic official old online open organic "
    "original personal popular practical premium pretty private public pure quick quiet rapid rare ready real recent "
    "red regional safe seasonal secret secure shared short simple small smart soft solid special spring stable "
    "standard strong summer sunny super sustainable top total traditional true unique updated urban useful vintage "
    "visual warm weekly white wild winter yearly"
).split()

NOUNS = (
    "account agenda album analysis archive article atlas backup balance basket bench bike bill board boat book bottle "
    "bridge briefing budget calendar camera campaign candle catalog certificate chair chart checklist city coffee "
    "collection comparison concept contract course customer dashboard data deal design desk diagram diary draft "
    "drawing dress energy estimate evaluation event export feedback figure film forecast form garden gift glossary "
    "guide handbook harvest holiday house idea image index interview inventory invoice island itinerary jacket journal "
    "kitchen lamp layout lecture lesson letter library license list log logo mail manual map market meeting memo menu "
    "minutes mirror model mountain museum music network notebook notes offer office order outline overview painting "
    "palette paper park partner payment photo picture pilot plan plant policy portfolio portrait poster presentation "
    "price process product profile program project proposal protocol quote receipt recipe record reference "
    "registration release reminder report request research results review river roadmap room route rules sample "
    "schedule school screen script season selection series shelf shirt shop sketch sofa solution song source speech "
    "spreadsheet staff statement station status story strategy study summary survey table tea team template test "
    "text theme ticket timeline timesheet tour tower transcript travel trend trip tutorial update vacation video view "
    "village vision visit voucher walk wall warranty watch weather website window wine workbook workshop worksheet"
).split()

EXTENSIONS = (
    "pdf docx xlsx pptx txt csv jpg png gif svg mp3 mp4 mov wav zip json xml html md odt"  # the usual twenty
).split()

COLOR_NAMES = (
    "aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood "
    "cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod "
    "darkgray darkgreen darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen "
    "darkslateblue darkslategray darkturquoise darkviolet deeppink deepskyblue dimgray dodgerblue firebrick "
    "floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray green greenyellow honeydew hotpink "
    "indianred indigo ivory khaki lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan "
    "lightgoldenrodyellow lightgray lightgreen lightpink lightsalmon lightseagreen lightskyblue lightslategray "
    "lightsteelblue lightyellow lime limegreen linen magenta maroon mediumaquamarine mediumblue mediumorchid "
    "mediumpurple mediumseagreen mediumslateblue mediumspringgreen mediumturquoise mediumvioletred midnightblue "
    "mintcream mistyrose moccasin navajowhite navy oldlace olive olivedrab orange orangered orchid palegoldenrod "
    "palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum powderblue purple rebeccapurple red "
    "rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell sienna silver skyblue slateblue slategray "
    "snow springgreen steelblue tan teal thistle tomato turquoise violet wheat white whitesmoke yellow yellowgreen"
).split()
"""CSS Color Module Level 4, in the American spelling only."""

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
DESKTOPS = (
    ("Windows NT 10.0; Win64; x64", 70.0),
    ("Macintosh; Intel Mac OS X 10_15_7", 22.0),
    ("X11; Linux x86_64", 8.0),
)
FIREFOX_DESKTOPS = (
    ("Windows NT 10.0; Win64; x64", 70.0),
    ("Macintosh; Intel Mac OS X 10.15", 15.0),
    ("X11; Linux x86_64", 8.0),
    ("X11; Ubuntu; Linux x86_64", 7.0),
)
PHONES = (
    "Pixel 6,Pixel 6a,Pixel 7,Pixel 7a,Pixel 7 Pro,Pixel 8,Pixel 8 Pro,SM-A125F,SM-A135F,SM-A145R,SM-A155F,SM-A226B,"
    "SM-A236B,SM-A256B,SM-A325F,SM-A336B,SM-A346B,SM-A356B,SM-A515F,SM-A525F,SM-A536B,SM-A546B,SM-A556B,SM-G780G,"
    "SM-G990B,SM-G991B,SM-G996B,SM-G998B,SM-S901B,SM-S906B,SM-S908B,SM-S911B,SM-S916B,SM-S918B,SM-S921B,SM-S926B,"
    "SM-S928B,2201117TG,2201117TY,22101316G,22111317I,23021RAA2Y,23053RN02A,23106RN0DA,M2101K6G,M2102J20SG,CPH2269,"
    "CPH2385,CPH2451,CPH2557,RMX3085,RMX3363,RMX3472,RMX3710,V2111,V2143,moto g(30),moto g(50),moto g32,moto g54 5G"
).split(",")
APPLE_SYSTEMS = (
    "15_6 15_7 15_8 16_0 16_1 16_2 16_3 16_4 16_5 16_6 16_7 17_0 17_1 17_2 17_3 17_4 17_5 17_6 17_7 18_0 18_1"
).split()
CHROMES = tuple(range(108, 132))
FADE = 0.8
"""How much less a version is seen than the next one."""


def browsers() -> Iterator[tuple[str, float]]:
    """What browsers call themselves, and how often each is seen; the shares of browsers and systems are those of
    2024, by StatCounter, rounded."""
    yield from _chromes()
    yield from _firefoxes()
    yield from _apples()
    yield from _phones()


def _faded(items: int, share: float) -> list[float]:
    """Shares of versions from the oldest to the newest."""
    weights = [FADE ** (items - 1 - number) for number in range(items)]
    return [share * weight / sum(weights) for weight in weights]


def _chromes() -> Iterator[tuple[str, float]]:
    for version, share in zip(CHROMES, _faded(len(CHROMES), 1.0), strict=True):
        chrome = f"{WEBKIT} Chrome/{version}.0.0.0"
        for desktop, weight in DESKTOPS:
            yield f"Mozilla/5.0 ({desktop}) {chrome} Safari/537.36", 0.28 * share * weight / 100
            yield f"Mozilla/5.0 ({desktop}) {chrome} Safari/537.36 Edg/{version}.0.0.0", 0.06 * share * weight / 100
            opera = f"Safari/537.36 OPR/{version - 14}.0.0.0"
            yield f"Mozilla/5.0 ({desktop}) {chrome} {opera}", 0.01 * share * weight / 100
        yield f"Mozilla/5.0 (Linux; Android 10; K) {chrome} Mobile Safari/537.36", 0.25 * share


def _firefoxes() -> Iterator[tuple[str, float]]:
    for version, share in zip(CHROMES, _faded(len(CHROMES), 0.05), strict=True):
        for desktop, weight in FIREFOX_DESKTOPS:
            agent = f"Mozilla/5.0 ({desktop}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
            yield agent, share * weight / 100
        for system in range(11, 15):
            agent = f"Mozilla/5.0 (Android {system}; Mobile; rv:{version}.0) Gecko/{version}.0 Firefox/{version}.0"
            yield agent, share / 40


def _apples() -> Iterator[tuple[str, float]]:
    webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
    for system, share in zip(APPLE_SYSTEMS, _faded(len(APPLE_SYSTEMS), 1.0), strict=True):
        version = system.replace("_", ".")
        mac = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit} Version/{version} Safari/605.1.15"
        yield mac, 0.06 * share
        for device, name, weight in (("iPhone", "iPhone OS", 0.19), ("iPad", "OS", 0.02)):
            start = f"Mozilla/5.0 ({device}; CPU {name} {system} like Mac OS X) {webkit}"
            yield f"{start} Version/{version} Mobile/15E148 Safari/604.1", weight * share
            for chrome, part in zip(CHROMES, _faded(len(CHROMES), 0.1), strict=True):
                yield f"{start} CriOS/{chrome}.0.0.0 Mobile/15E148 Safari/604.1", weight * share * part


def _phones() -> Iterator[tuple[str, float]]:
    for number, phone in enumerate(PHONES):
        system = 11 + number % 4
        for version, share in zip(CHROMES, _faded(len(CHROMES), 0.05 / len(PHONES)), strict=True):
            start = f"Mozilla/5.0 (Linux; Android {system}; {phone}) {WEBKIT}"
            yield f"{start} Chrome/{version}.0.0.0 Mobile Safari/537.36", share
            if phone.startswith("SM-"):
                samsung = f"SamsungBrowser/{(version - 62) // 2}.0 Chrome/{version}.0.0.0"
                yield f"{start} {samsung} Mobile Safari/537.36", share
            view = f"Mozilla/5.0 (Linux; Android {system}; {phone}; wv) {WEBKIT} Version/4.0"
            yield f"{view} Chrome/{version}.0.0.0 Mobile Safari/537.36", share / 2
