"""Base stories about trade: shop, bakery and garden."""

from rmbench.worlds.arithmetic.bank import Family, Stage, minus, plus, shared, times

MONEY = Stage(
    "dollars",
    "{name} has {x} dollars",
    "dollars does {name} have",
    (
        plus("A neighbor pays back {b} dollars that {he} had borrowed from {name}.", "with the neighbor's {b} dollars"),
        plus("{name} also finds {b} dollars in {his} coat.", "with the money from the coat"),
        minus("{name} spends {b} dollars on paper bags.", "after paying for the bags"),
        minus("{name} pays {b} dollars for a new sign.|A new sign costs {name} {b} dollars.", "after buying the sign"),
        shared("{name} shares the money equally among {b} helpers.", "among the {b} helpers", "share"),
    ),
)
SHARE = Stage(
    "dollars",
    "each helper has {x} dollars",
    "dollars does each helper have",
    (
        plus("Each helper also gets a bonus of {b} dollars.", "with the bonus"),
        minus("Each helper then spends {b} dollars on lunch.", "after lunch is paid for"),
        times("By summer each helper has {b} times as much money.", "by summer"),
    ),
)

SHOP = Family(
    "{name} runs a small shop with {a} {item} on the shelves.|In {name}'s shop there are {a} {item} for sale.",
    "item",
    (14, 90),
    {
        "item": Stage(
            "{item}",
            "the shop has {x} {item}|there are {x} {item} in the shop",
            "{item} does the shop have|{item} are there in the shop",
            (
                plus("A van brings {b} more {item}.|A delivery of {b} {item} arrives.", "after the delivery"),
                plus("{name} finds {b} more {item} in the back room.", "with the {item} from the back room"),
                minus("Customers buy {b} of the {item} before lunch.", "after the morning sales"),
                minus("Sadly, {b} {item} are broken and have to be thrown away.", "without the broken {item}"),
                times("{name} then orders so many that {he} has {b} times as many {item}.", "after the big order"),
                times("{name} sells all of the {item} for {b} dollars each.", "at {b} dollars each", "money"),
                shared("{name} packs all the {item} into boxes of {b}.", "with {b} {item} in each box", "box"),
            ),
        ),
        "box": Stage(
            "boxes",
            "there are {x} boxes",
            "boxes are there",
            (
                plus("A friend packs {b} more boxes of the same kind.", "with the friend's boxes"),
                minus(
                    "{name} gives {b} boxes to a school.|A school is given {b} boxes.", "after the gift to the school"
                ),
                times("Every box is sold for {b} dollars.", "at {b} dollars per box", "money"),
            ),
        ),
        "money": MONEY,
        "share": SHARE,
    },
    ("The shop opened {d} years ago.", "There are {d} other shops in the street.", "The shop window is {d} feet wide."),
    {"item": ("notebooks", "mugs", "candles", "lamps", "scarves", "kites", "puzzles", "vases", "wallets", "brushes")},
)
BAKERY = Family(
    "{name} starts the morning with {a} trays of {item}.|At {name}'s bakery, {a} trays of {item} are ready.",
    "tray",
    (5, 30),
    {
        "tray": Stage(
            "trays",
            "the bakery has {x} trays of {item}",
            "trays of {item} does the bakery have",
            (
                plus("Another {b} trays come out of the oven.", "with the trays from the oven"),
                minus("The oven burns {b} trays, which are lost.", "without the burnt trays"),
                times(
                    "Each tray holds {b} {item}.|There are {b} {item} on every tray.", "with {b} on each tray", "item"
                ),
            ),
        ),
        "item": Stage(
            "{item}",
            "the bakery has {x} {item}|there are {x} {item} at the bakery",
            "{item} does the bakery have",
            (
                plus("{name} bakes another {b} {item}.", "after the second round of baking"),
                plus("A second bakery sends over {b} {item}.", "with the ones from the second bakery"),
                minus("{name} sells {b} {item} at the counter.", "after the sales at the counter"),
                minus("The staff eat {b} of the {item} for breakfast.", "after the staff breakfast"),
                shared(
                    "The {item} are put into bags of {b}.|{name} fills bags with {b} {item} each.",
                    "at {b} per bag",
                    "bag",
                ),
                times("All of the {item} are sold at {b} dollars each.", "at {b} dollars each", "money"),
            ),
        ),
        "bag": Stage(
            "bags",
            "there are {x} bags",
            "bags are there",
            (
                minus("A café takes {b} of the bags for free.", "once the café has its bags"),
                plus("{name} adds {b} bags from yesterday.", "with yesterday's bags"),
                times("Each bag is sold for {b} dollars.", "at {b} dollars a bag", "money"),
            ),
        ),
        "money": MONEY,
        "share": SHARE,
    },
    (
        "The oven is {d} years old.",
        "The bakery is on a street with {d} houses.",
        "The radio plays {d} songs meanwhile.",
    ),
    {"item": ("rolls", "muffins", "buns", "scones", "bagels", "cookies", "pretzels", "pastries")},
)
GARDEN = Family(
    "{name} plants {a} rows of {item}.|In {name}'s garden there are {a} rows of {item}.",
    "row",
    (5, 28),
    {
        "row": Stage(
            "rows",
            "the garden has {x} rows",
            "rows does the garden have",
            (
                plus("In spring {name} adds {b} rows.|In spring there are {b} new rows.", "after the spring planting"),
                minus("A storm ruins {b} of the rows completely.", "after the storm"),
                times("Each row has {b} {item}.|In every row {b} {item} are growing.", "with {b} in each row", "item"),
            ),
        ),
        "item": Stage(
            "{item}",
            "there are {x} {item}|{name} has {x} {item}",
            "{item} does {name} have|{item} are there",
            (
                plus("A neighbor brings {b} more {item}.", "with the neighbor's {item}"),
                plus("Behind the shed {name} discovers {b} more {item}.", "with the ones behind the shed"),
                minus("Rabbits eat {b} of the {item}.", "after the rabbits have been there"),
                minus("{name} gives {b} {item} to {his} sister.", "after the gift to the sister"),
                shared("{name} cuts the {item} and ties them in bunches of {b}.", "with {b} in each bunch", "bunch"),
            ),
        ),
        "bunch": Stage(
            "bunches",
            "there are {x} bunches",
            "bunches are there",
            (
                minus("The hospital receives {b} bunches as a present.", "after the present to the hospital"),
                plus("A cousin ties {b} bunches too and hands them over.", "with the cousin's bunches"),
                times("At the market every bunch is sold for {b} dollars.", "at {b} dollars a bunch", "money"),
            ),
        ),
        "money": MONEY,
        "share": SHARE,
    },
    (
        "The garden is {d} meters long.",
        "{name} has been gardening for {d} years.",
        "It rained on {d} days last spring.",
    ),
    {"item": ("tulips", "roses", "daisies", "sunflowers", "lilies", "asters", "irises", "poppies")},
)
FAMILIES = (SHOP, BAKERY, GARDEN)
