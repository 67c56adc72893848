"""The words, calendars and units that prompts are made of."""

from __future__ import annotations

# Everyday nouns without a "y" (so that vowels are never disputed), without hyphens or variant spellings.
_WORDS = """
acorn anchor anvil apple apron arch arrow atlas autumn badge bagel ballad bamboo banana banner barn basket beacon bead
bench bishop blanket blossom boat bonnet bottle boulder branch breeze brick bridge broom bucket butter button cabin
cactus camel candle canoe canvas caravan carpet carrot castle cedar cellar chest cinema circle clarinet cliff cloak
clover cobalt coin comet compass copper coral corner cottage cotton cradle crater cricket crown curtain cushion dance
desert diamond dinner dolphin dragon drawer drum eagle earth easel echo elbow ember engine escape fabric falcon
feather fiddle filter finger flute forest fossil fountain frost funnel furnace garden garlic gate giraffe glacier
glass goblet granite grape gravel guitar hammer harvest hazel helmet heron hollow horizon hostel hotel igloo insect
iron island jacket jasmine jigsaw jungle kernel kettle kitten ladder lagoon lantern lemon lentil lilac linen lizard
lobster locket lumber magnet mango maple marble market meadow melon mirror mitten moment moose mountain muffin museum
napkin needle nickel noodle nutmeg oasis ocean olive onion opal orange orbit orchard otter oven paddle palace panther
parcel parrot pebble pencil pepper piano picture pigeon pillow pirate planet pocket pollen porch potato prairie prism
pumpkin puzzle quarrel quill rabbit radish raft ribbon river rocket roof saddle salmon sandal satin scarf school seed
shadow shelf silver sketch sled spade sparrow spider spiral sponge square stable statue stone summer sunset table
teapot temple thimble thread thunder tiger timber toast tomato tower train trumpet tulip tunnel turtle umbrella uncle
vase velvet violin volcano wagon walnut water whale wheat whistle willow window winter wolf zebra
"""
WORDS = tuple(_WORDS.split())

TOPICS = ("a travel guide", "a school quiz", "a recipe book", "a local newspaper", "a museum catalogue", "a crossword")

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
)
NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)

# Unit -> short forms. Only those in SHOWN are ever written by us: "m" could be metres or minutes.
UNITS = {
    "kilometres": ("kilometers", "kilometre", "kilometer", "km"),
    "metres": ("meters", "metre", "meter", "m"),
    "centimetres": ("centimeters", "centimetre", "centimeter", "cm"),
    "kilograms": ("kilogram", "kilos", "kg"),
    "grams": ("gram", "g"),
    "litres": ("liters", "litre", "liter", "l"),
    "millilitres": ("milliliters", "millilitre", "milliliter", "ml"),
    "weeks": ("week",),
    "days": ("day",),
    "hours": ("hour", "h"),
    "minutes": ("minute", "min"),
    "seconds": ("second", "s"),
}
SHOWN = {"kilometres": "km", "centimetres": "cm", "kilograms": "kg", "millilitres": "ml"}

# (large, small) -> (how many small ones make a large one, a factor that people mix it up with)
FACTORS = {
    ("kilometres", "metres"): (1000, 100),
    ("kilograms", "grams"): (1000, 100),
    ("litres", "millilitres"): (1000, 100),
    ("metres", "centimetres"): (100, 10),
    ("hours", "minutes"): (60, 100),
    ("minutes", "seconds"): (60, 100),
    ("weeks", "days"): (7, 5),
    ("days", "hours"): (24, 12),
}
