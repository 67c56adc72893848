"""Base stories about daily life: library, savings, trip and school."""

from rmbench.worlds.arithmetic.bank import Family, Stage, minus, plus, shared, times

LIBRARY = Family(
    "A library has {a} {item} in its {kind} section.|The {kind} section of a library starts with {a} {item}.",
    "book",
    (20, 120),
    {
        "book": Stage(
            "{item}",
            "the section has {x} {item}",
            "{item} does the section have",
            (
                plus("A reader named {name} donates {b} {item}.", "after the gift from {name}"),
                plus("The city buys {b} new {item} for the section.", "with the new purchases"),
                minus(
                    "On Monday {b} {item} are lent out.|Visitors borrow {b} {item} on Monday.", "after the Monday loans"
                ),
                minus("The staff remove {b} damaged {item}.", "without the damaged ones"),
                times("A merger leaves the section with {b} times as many {item}.", "after the merger"),
                shared("The {item} are then spread evenly over {b} rooms.", "over the {b} rooms", "room"),
            ),
        ),
        "room": Stage(
            "{item}",
            "each room has {x} {item}",
            "{item} does each room have",
            (
                plus("Each room gets {b} more {item} from storage.", "with the ones from storage"),
                minus("A sale takes {b} {item} out of each room.", "after the sale"),
                times("Every one of the {item} needs {b} labels.", "at {b} labels each", "label"),
            ),
        ),
        "label": Stage(
            "labels",
            "each room needs {x} labels",
            "labels does each room need",
            (
                minus("For each room, {b} labels are already printed.", "without the printed ones"),
                plus(
                    "Each room also wants {b} labels for its doors and shelves.",
                    "with the labels for doors and shelves",
                ),
                shared("The labels come on sheets of {b}.", "with {b} labels on a sheet", "sheet"),
            ),
        ),
        "sheet": Stage(
            "sheets",
            "each room needs {x} sheets",
            "sheets does each room need",
            (plus("Each room orders {b} spare sheets as well.", "with the spare sheets"),),
        ),
    },
    (
        "The library has {d} windows.",
        "A library card costs {d} dollars a year.",
        "The building has {d} steps at its door.",
    ),
    {"item": ("books", "atlases", "novels", "comics", "magazines"), "kind": ("travel", "history", "youth", "science")},
)
SAVINGS = Family(
    "{name} has saved {a} dollars for {goal}.|{name} keeps {a} dollars in a jar to buy {goal}.",
    "money",
    (20, 150),
    {
        "money": Stage(
            "dollars",
            "{name} has {x} dollars",
            "dollars does {name} have",
            (
                plus("For {his} birthday {he} gets {b} dollars.", "after the birthday"),
                plus("{name} earns {b} dollars by washing cars.", "after the car washing"),
                minus("A broken window costs {name} {b} dollars.", "after paying for the window"),
                minus("{name} spends {b} dollars at the cinema.", "after the cinema"),
                times("{name}'s aunt gives enough to make it {b} times as much.", "with the aunt's help"),
                shared("{name} splits the money evenly over {b} envelopes.", "over the {b} envelopes", "envelope"),
            ),
        ),
        "envelope": Stage(
            "dollars",
            "each envelope holds {x} dollars",
            "dollars does each envelope hold",
            (
                plus("{name} puts {b} more dollars into each envelope.", "with the extra money"),
                minus("A month later {he} takes {b} dollars out of each envelope.", "a month later"),
                times(
                    "One envelope is swapped for tokens, {b} tokens for every dollar.",
                    "at {b} tokens a dollar",
                    "token",
                ),
            ),
        ),
        "token": Stage(
            "tokens",
            "{name} has {x} tokens",
            "tokens does {name} have",
            (
                plus("{name} wins {b} tokens in a game.", "after the lucky game"),
                minus("Then {name} loses {b} tokens.", "after the loss"),
                shared("{name} shares the tokens fairly with friends, {b} people in all.", "for {b} people", "friend"),
            ),
        ),
        "friend": Stage(
            "tokens",
            "each person has {x} tokens",
            "tokens does each person have",
            (plus("Each person is handed {b} tokens on top.", "with the tokens on top"),),
        ),
    },
    ("{name} is {d} years old.", "The bank is {d} minutes away by bus.", "{name} has {d} classmates."),
    {"goal": ("a bike", "a camera", "a guitar", "a telescope", "a tent", "a skateboard", "a laptop")},
)
TRIP = Family(
    "{name} is on a {kind} trip and covers {a} kilometers on the first day.|"
    "On the first day of a {kind} trip, {name} travels {a} kilometers.",
    "km",
    (18, 140),
    {
        "km": Stage(
            "kilometers",
            "the trip is {x} kilometers long",
            "kilometers long is the trip",
            (
                plus("The second day adds {b} kilometers.", "with the second day"),
                plus("A visit to a friend makes the trip {b} kilometers longer.", "with the visit"),
                minus("A new tunnel makes the trip {b} kilometers shorter.", "thanks to the tunnel"),
                minus("{name} decides to leave out {b} kilometers of it.", "with that part left out"),
                times("{name} then changes the plan and makes the trip {b} times as long.", "with the new plan"),
                shared("The whole trip is divided into {b} equal legs.", "with {b} equal legs", "leg"),
            ),
        ),
        "leg": Stage(
            "kilometers",
            "each leg is {x} kilometers long",
            "kilometers long is each leg",
            (
                plus("Road works make each leg {b} kilometers longer.", "with the road works"),
                minus("On each leg, {b} kilometers are saved by a ferry.", "thanks to the ferry"),
                times("Every kilometer takes {b} minutes.", "at {b} minutes per kilometer", "minute"),
            ),
        ),
        "minute": Stage(
            "minutes",
            "each leg takes {x} minutes",
            "minutes does each leg take",
            (
                plus("Each leg also has a rest of {b} minutes.", "with the rest"),
                minus("A tail wind saves {b} minutes on each leg.", "thanks to the tail wind"),
                shared("In each leg the time is divided equally between {b} drivers.", "with {b} drivers", "driver"),
            ),
        ),
        "driver": Stage(
            "minutes",
            "each driver is busy for {x} minutes",
            "minutes is each driver busy",
            (plus("Each driver adds {b} minutes for a safety check.", "with the safety check"),),
        ),
    },
    ("{name} packs {d} shirts.", "The hotel has {d} rooms.", "{name} takes {d} photos.", "It is {d} degrees outside."),
    {"kind": ("bus", "road", "motorbike", "camping", "family", "summer")},
)
SCHOOL = Family(
    "A teacher named {name} orders {a} packs of {item}.|{name}, a teacher, has {a} packs of {item} for the class.",
    "pack",
    (5, 30),
    {
        "pack": Stage(
            "packs",
            "{name} has {x} packs",
            "packs does {name} have",
            (
                plus("The principal adds {b} packs.", "with the principal's packs"),
                minus("Another class takes {b} packs.", "without the packs for the other class"),
                times(
                    "There are {b} {item} in each pack.|Each pack contains {b} {item}.", "with {b} in each pack", "item"
                ),
            ),
        ),
        "item": Stage(
            "{item}",
            "there are {x} {item}|the class has {x} {item}",
            "{item} does the class have|{item} are there",
            (
                plus("In a drawer {name} finds {b} more {item}.", "with the ones from the drawer"),
                plus("Parents bring {b} {item} to school.", "with the ones from the parents"),
                minus("An art project uses up {b} {item}.", "after the art project"),
                minus("It turns out that {b} {item} are useless.", "without the useless ones"),
                shared("{name} divides the {item} equally among {b} groups.", "among the {b} groups", "group"),
            ),
        ),
        "group": Stage(
            "{item}",
            "each group has {x} {item}",
            "{item} does each group have",
            (
                minus("Each group loses {b} {item} during the week.", "after that week"),
                plus("On Friday each group receives {b} more {item}.", "on Friday"),
                times("By June each group has {b} times as many {item}.", "by June"),
            ),
        ),
    },
    ("The school has {d} teachers.", "The lesson takes {d} minutes.", "{name} has taught for {d} years."),
    {"item": ("pencils", "crayons", "markers", "erasers", "stickers", "paper clips", "rulers")},
)
FAMILIES = (LIBRARY, SAVINGS, TRIP, SCHOOL)
