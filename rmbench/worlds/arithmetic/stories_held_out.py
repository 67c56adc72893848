"""Held-out stories: aquarium, print works, concert hall and beekeeper. Other things and words, the same skills."""

from rmbench.worlds.arithmetic.bank import Family, Stage, minus, plus, shared, times

EUROS = Stage(
    "euros",
    "the takings come to {x} euros",
    "euros do the takings come to",
    (
        plus("An anonymous sponsor tops up the takings by {b} euros.", "once the sponsor has chipped in"),
        minus("Cleaning eats up {b} euros of the takings.", "once cleaning is settled"),
        minus("A fee of {b} euros is withheld from the takings.", "net of the fee"),
        shared("Altogether {b} partners each claim an equal part of the takings.", "for {b} partners", "partner"),
    ),
)
PARTNER = Stage(
    "euros",
    "every partner receives {x} euros",
    "euros does every partner receive",
    (
        minus("Tax lowers every partner's part by {b} euros.", "net of tax"),
        plus("A refund then raises every partner's part by {b} euros.", "including the refund"),
    ),
)

AQUARIUM = Family(
    "The {kind} aquarium opens with {a} tanks in use.|Behind the scenes of the {kind} aquarium stand {a} tanks.",
    "tank",
    (5, 30),
    {
        "tank": Stage(
            "tanks",
            "the aquarium runs {x} tanks",
            "tanks does the aquarium run",
            (
                plus("Builders install {b} extra tanks.", "once the builders are done"),
                minus("Leaks put {b} tanks out of service.", "leaving out the leaky tanks"),
                times("Precisely {b} {item} live in every tank.", "given {b} to a tank", "fish"),
            ),
        ),
        "fish": Stage(
            "{item}",
            "the aquarium keeps {x} {item}",
            "{item} does the aquarium keep",
            (
                plus("Overnight {b} {item} hatch.", "counting those that hatched"),
                plus("Divers rescue {b} {item} and move them in.", "counting those rescued"),
                minus("A zoo abroad adopts {b} of the {item}.", "once the zoo has its share"),
                minus("Scientists release {b} {item} into the sea.", "following the release"),
                shared("The keeper resettles all {item}, in equal numbers, in {b} ponds.", "per pond", "pond"),
                times("At feeding time each of the {item} gets {b} pellets.", "given {b} pellets for each", "pellet"),
            ),
        ),
        "pond": Stage(
            "{item}",
            "every pond is home to {x} {item}",
            "{item} is every pond home to",
            (
                plus("Every pond is restocked with {b} young {item}.", "following the restocking"),
                minus("Herons snatch {b} {item} from every pond.", "following the heron raid"),
                times("Daily, each of the {item} is fed {b} shrimps.", "given {b} shrimps for each", "shrimp"),
            ),
        ),
        "shrimp": Stage(
            "shrimps",
            "every pond uses {x} shrimps a day",
            "shrimps does every pond use in a day",
            (plus("Turtles in every pond demand {b} shrimps besides.", "counting the turtles"),),
        ),
        "pellet": Stage(
            "pellets",
            "one feeding takes {x} pellets",
            "pellets does one feeding take",
            (
                plus("For the crabs {b} further pellets are dropped in.", "counting the crabs"),
                minus("Staff cut the feeding by {b} pellets.", "following the cut"),
                shared("The pellets are tipped in by the scoop, {b} to a scoop.", "given {b} to a scoop", "scoop"),
            ),
        ),
        "scoop": Stage("scoops", "one feeding takes {x} scoops", "scoops does one feeding take", ()),
    },
    ("Tickets cost {d} euros.", "The tunnel for visitors is {d} meters long.", "Its oldest turtle is {d}."),
    {
        "item": ("guppies", "seahorses", "clownfish", "minnows", "tetras", "gobies"),
        "kind": ("harbor", "city", "island"),
    },
)
PRINTER = Family(
    "A machine at {name}'s print works turns out {a} {item} an hour.|"
    "{name} operates a press whose output is {a} {item} an hour.",
    "hour",
    (12, 70),
    {
        "hour": Stage(
            "{item}",
            "the press turns out {x} {item} an hour",
            "{item} does the press turn out per hour",
            (
                plus("Fresh oil lifts the hourly output by {b} {item}.", "thanks to fresh oil"),
                minus("A worn belt lowers the hourly output by {b} {item}.", "given the worn belt"),
                times("{name} lets it run for {b} hours.", "over {b} hours", "print"),
            ),
        ),
        "print": Stage(
            "{item}",
            "the print works holds {x} {item}",
            "{item} does the print works hold",
            (
                plus("Last week's surplus contributes {b} {item}.", "counting the surplus"),
                plus("A rush job yields {b} further {item}.", "counting the rush job"),
                minus("Smudges spoil {b} {item}.", "leaving out the smudged ones"),
                minus("An office collects {b} {item} at noon.", "following the noon pickup"),
                shared("Workers roll up all {item} in tubes, {b} to a tube.", "given {b} to a tube", "tube"),
                times("Clients pay {b} euros for every one of the {item}.", "given {b} euros apiece", "euro"),
            ),
        ),
        "tube": Stage(
            "tubes",
            "the print works holds {x} tubes",
            "tubes does the print works hold",
            (
                plus("An apprentice returns {b} full tubes.", "counting the returned tubes"),
                minus("A courier drops {b} tubes in a canal.", "leaving out the lost tubes"),
                times("Clients pay {b} euros for every tube.", "given {b} euros a tube", "euro"),
            ),
        ),
        "euro": EUROS,
        "partner": PARTNER,
    },
    ("The press weighs {d} tons.", "{name} employs {d} people.", "Ink dries within {d} minutes."),
    {"item": ("posters", "leaflets", "maps", "calendars", "menus", "banners")},
)
CONCERT = Family(
    "A concert hall in {town} is laid out with {a} rows of seats.|The concert hall in {town} has {a} rows of seats.",
    "row",
    (6, 34),
    {
        "row": Stage(
            "rows",
            "the hall offers {x} rows",
            "rows does the hall offer",
            (
                plus("Renovation squeezes in {b} rows.", "following the renovation"),
                minus("A wider stage swallows {b} rows.", "given the wider stage"),
                times("A row seats {b} {guest}.", "given {b} to a row", "seat"),
            ),
        ),
        "seat": Stage(
            "{guest}",
            "the hall takes {x} {guest}",
            "{guest} does the hall take",
            (
                plus("Folding chairs make room for {b} further {guest}.", "counting the folding chairs"),
                plus("A balcony opens for {b} {guest}.", "counting the balcony"),
                minus("Cameras block the view of {b} {guest}, whose seats are closed.", "leaving out the closed seats"),
                minus(
                    "The mayor's party books {b} seats that other {guest} cannot use.",
                    "once the mayor's party is seated",
                ),
                times("It sells out, and all {guest} pay {b} euros.", "given {b} euros a ticket", "euro"),
                shared("Ushers lead all {guest} in through {b} doors, in equal numbers.", "per door", "door"),
            ),
        ),
        "door": Stage(
            "{guest}",
            "every door admits {x} {guest}",
            "{guest} does every door admit",
            (
                plus("Latecomers make it {b} {guest} more at every door.", "counting the latecomers"),
                minus(
                    "Without valid tickets, {b} {guest} are sent away from every door.", "leaving out those sent away"
                ),
                times("Everyone who is let in receives {b} leaflets.", "given {b} leaflets for each", "leaflet"),
            ),
        ),
        "leaflet": Stage(
            "leaflets",
            "every door hands out {x} leaflets",
            "leaflets does every door hand out",
            (
                minus(
                    "Rain ruins {b} leaflets at every door before they are given out.", "leaving out the ruined ones"
                ),
                plus("Passers-by collect {b} leaflets at every door too.", "counting the passers-by"),
            ),
        ),
        "euro": EUROS,
        "partner": PARTNER,
    },
    ("The orchestra counts {d} players.", "The concert lasts {d} minutes.", "The organ was repaired {d} years ago."),
    {
        "guest": ("guests", "listeners", "visitors"),
        "town": ("Lisbon", "Oslo", "Turin", "Bergen", "Ghent", "Porto", "Cork"),
    },
)
BEES = Family(
    "{name} looks after {a} beehives on a {place}.|On a {place}, {name} looks after {a} beehives.",
    "hive",
    (5, 32),
    {
        "hive": Stage(
            "hives",
            "{name} tends {x} hives",
            "hives does {name} tend",
            (
                plus("Swarms caught in May fill {b} additional hives.", "counting the May swarms"),
                minus("A hard winter empties {b} hives.", "following the hard winter"),
                times("Each hive fills {b} jars with {honey} honey.", "given {b} jars a hive", "jar"),
            ),
        ),
        "jar": Stage(
            "jars",
            "the harvest comes to {x} jars",
            "jars does the harvest come to",
            (
                plus("Leftover wax frames drip another {b} jars.", "counting the wax frames"),
                plus("A late bloom enlarges the harvest by {b} jars.", "thanks to the late bloom"),
                minus("{name} drops a shelf, and {b} jars shatter.", "leaving out the shattered jars"),
                minus("As rent, the farmer receives {b} jars.", "once the rent is handed over"),
                shared("{name} stacks all jars in crates, {b} to a crate.", "given {b} to a crate", "crate"),
                times("Tourists buy up the harvest, paying {b} euros a jar.", "given {b} euros a jar", "euro"),
            ),
        ),
        "crate": Stage(
            "crates",
            "{name} loads {x} crates",
            "crates does {name} load",
            (
                plus("From the cellar come {b} dusty crates.", "counting the dusty crates"),
                minus("An inn sends for {b} crates, free of charge.", "once the inn is served"),
                times("A trader takes all crates and pays {b} euros for each.", "given {b} euros a crate", "euro"),
            ),
        ),
        "euro": EUROS,
        "partner": PARTNER,
    },
    ("{name} was stung {d} times this year.", "The nearest road is {d} meters off.", "Each visit takes {d} minutes."),
    {"honey": ("clover", "heather", "lime", "acacia"), "place": ("hillside", "meadow", "rooftop", "heath", "farm")},
)
FAMILIES = (AQUARIUM, PRINTER, CONCERT, BEES)
