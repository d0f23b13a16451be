"""Words and phrases of plain English that built-in texts are made of; written for ffgen, free to use as it is."""


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for line in text.strip().splitlines() for phrase in line.split("|"))


WORDS = tuple(
    """
    able above account across action active actor actual adult advice after again agent agree ahead album alive allow
    almost alone along amount anchor angle animal annual answer apple april arena argue arrow artist aspect asset atlas
    august author autumn avenue award baker balance ballot bamboo banner barrel basic basket battle beach beacon bean
    beauty bench better bicycle bird blanket blossom blue board bonus border bottle bottom boundary branch brave bread
    breeze brick bridge bright broad bronze brush bubble bucket budget builder button cabin cable camera candle canvas
    capital captain carbon careful carpet castle casual cedar center central cereal chain chair chance change channel
    chapter charm cheese cherry choice circle citizen city clay clean clear climate clock cloud coast coffee collar
    color column comfort common compass concert cool copper coral corner cotton council country courage course cousin
    cover craft cream credit crisp crowd crystal culture curious current curve custom daily dance daring data dawn
    debate decade deep delta dense depth desert design desk detail device diamond dinner direct distance doctor dollar
    door double dragon dream drive eager early earth east easy echo edge editor effort elastic electric element ember
    empire energy engine equal error even evening event exact example expert extra fabric fact fair family famous farm
    fast feather fellow festival fiber field figure filter final finger finish fire firm first flag flame flat flavor
    fleet flight floor flower focus forest formal forward fossil frame free fresh friend front frost fruit future
    galaxy gallery garden garlic gate gentle giant glad glass globe gold good grain grand granite grass gravity great
    green grid ground group growth guard guest guide habit half hammer handle happy harbor harvest heart heavy height
    hidden hill history hobby holiday honest honey horizon hotel house human humble idea image impact inch index inner
    insect island ivory jacket jewel jolly journey judge juice jungle junior keen kettle kind kitchen kite label ladder
    lake lamp large later laugh launch lawn layer leader leaf league legend lemon lesson letter level light limit linen
    liquid little local logic long loyal lucky lunar lunch magic main major maple marble market master match meadow
    medal melody member memory metal middle mild minor mirror mobile modern moment month moon morning motion mountain
    music narrow nation native nature neat nest network noble north note novel number oak ocean offer office olive
    open option orange orbit orchard order origin outer owner oxygen paint palace panel paper parade parent park
    partner path pattern pause peace pearl pencil people pepper perfect phrase piano picture pilot pine pioneer pixel
    plain planet plate player pocket poem point polar policy pond popular portal pretty price prime print prize
    process profit project proud public pulse pure purple puzzle quality quarter queen quest quick quiet rabbit radio
    rain random range rapid ready reason record region report rhythm ribbon rice ridge river road robin rocket root
    rose round route royal safe sail salt sample sand scale scene school science season second secret seed senior
    series shade shadow shape sharp shelf shell shine shore short signal silent silk silver simple single sister sky
    sleep slow small smart smile smooth snow social soft solar solid song source south space spark special speed
    spice spirit spring square stable staff stage star station steady steam steel stone store storm story strong
    studio style sugar summer sunny supply sure surface sweet swift symbol system table talent target teacher team
    temple tender theory thick thread tiger timber tiny title topic total tower town track trade trail train travel
    treasure tree trend tropic trust tulip tunnel twin unit upper urban useful valley value velvet venture vessel
    victory village violet vision visit vital voice volume wagon walnut warm water wave wealth weather weekend
    welcome west wheat wheel white whole wide wild willow wind window winter wisdom wonder wood word world worthy
    writer yard yellow young zebra zone
    """.split()
)

SUBJECTS = _phrases(
    """
    We|They|She|He|Everyone|The whole team|Our team|The manager|The customer|The client|The supplier|The courier
    The front desk|The night shift|The new assistant|The engineer|The project lead|The committee|The analyst
    The support team|The technician|The accountant|The designer|The coordinator|A colleague|A volunteer|A neighbour
    My colleague|My brother|Her assistant|His partner|The director|The trainer|The owner|The local office
    The sales team|The planning group|The head of department|Two of us|Most people|Nobody here|The group
    """
)

OPENINGS = ("In the end, ", "This time, ", "Later, ", "So far, ", "As expected, ")
"""What may stand before the subjects of `OPENED`."""
OPENED = ("we", "they", "she", "the manager")

VERBS = _phrases(
    """
    saw|checked|reviewed|updated|approved|finished|prepared|postponed|discussed|cancelled|planned|completed|explained
    described|mentioned|requested|received|rejected|corrected|presented|shared|confirmed|accepted|handled|praised
    questioned|found|needed|liked|wanted|missed|asked about|looked at|talked about|worked on|went through|forgot about
    agreed on|decided on|complained about|waited for|cared about|read about|heard about|had doubts about
    never saw|quickly checked|carefully reviewed|finally approved|gladly accepted|briefly discussed|always liked
    """
)

OBJECTS = _phrases(
    """
    it|that|the report|the order|the delivery|the schedule|the contract|the final list|the invoice|the new design
    the budget|the results|the training plan|the old agreement|the price list|the first draft|the offer|the sample
    the guest list|the new policy|the repair|the proposal|the summary|the floor plan|the photos|the request
    the latest figures|the cost estimate|the safety notes|the travel plans|the weekly menu|the complaint|the refund
    the new software|the product page|the customer survey|the opening hours|the delivery date|the payment terms
    the meeting notes|the second part|the missing pages|the whole project|the upgrade|the application|the checklist
    a small change|a better solution|a similar case|a long list of questions|a few details|an earlier version
    """
)

PLACES = _phrases(
    """
    at home|at work|in town|online|at the office|by phone|in the meeting room|on the second floor|at the warehouse
    in the main hall|over lunch|at the front desk|during the meeting|in the workshop|on the way home|at the station
    near the entrance|in a short call|at the trade fair|in the conference room
    """
)

TIMES = _phrases(
    """
    today|on Monday|on Tuesday|on Wednesday|on Thursday|on Friday|yesterday|last week|last month|this morning
    before noon|in the evening|at the weekend|two days ago|last spring|in early March|at the end of June
    a week later|after the holidays|in the afternoon|once more|within an hour|right away|after a while|in time
    """
)

TOPICS = (
    "the {}",
    "the new {}",
    "a note about the {}",
    "a question about the {}",
    "the details of the {}",
    "a problem with the {}",
)
"""What is said of a topic that the spec names."""
