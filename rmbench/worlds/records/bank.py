"""The kinds of records: their fields, the values these take, and the ways to say them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Values = Callable[[Random], str]


def number(low: int, high: int, step: int = 1) -> Values:
    """Whole numbers in [low, high]."""
    return lambda rng: str(rng.randrange(low, high + 1, step))


def words(text: str) -> Values:
    """One of the comma-separated values."""
    options = [w.strip() for w in text.split(",")]
    return lambda rng: rng.choice(options)


def clock(rng: Random) -> str:
    """A time of day such as 18:30."""
    return f"{rng.randrange(7, 22):02d}:{rng.choice((0, 10, 15, 20, 30, 40, 45, 50)):02d}"


def day(rng: Random) -> str:
    """A date such as 14 May."""
    return f"{rng.randrange(1, 29)} {rng.choice(MONTHS)}"


def person(rng: Random) -> str:
    """A full name."""
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
FIRST = (
    "Mara", "Jonas", "Priya", "Tomas", "Lena", "Omar", "Ingrid", "Paulo", "Hana", "Viktor", "Amina", "Felix", "Rosa", "Emil",
    "Nadia", "Hugo", "Selma", "Rafael", "Yuki", "Clara", "Anton", "Zara", "Milan", "Greta", "Idris", "Petra", "Oskar", "Leila",
)  # fmt: skip
LAST = (
    "Lind", "Okafor", "Moreau", "Tanaka", "Brandt", "Silva", "Novak", "Haddad", "Kowalski", "Berg", "Costa", "Duval", "Eriksen",
    "Fontana", "Gruber", "Hale", "Ivanov", "Jensen", "Keller", "Laurent", "Marsh", "Nyberg", "Ortega", "Pratt", "Quist", "Rossi",
)  # fmt: skip
CITIES = words(
    "Leeds, Porto, Gdansk, Lyon, Bergen, Turin, Ghent, Malaga, Tartu, Graz, Cork, Basel, Utrecht, Aarhus, Split, Nantes, "
    "Bristol, Kyoto, Quito, Perth, Izmir, Tampere"
)
STREETS = words(
    "Mill Lane, Station Road, Harbour Street, Church Walk, Orchard Way, Castle Hill, River Row, Garden Square, King Street, "
    "Chapel Court, Market Place, Bridge End"
)
WEEKDAYS = words("Mondays, Tuesdays, Wednesdays, Thursdays, Fridays, Saturdays, Sundays")
COLOURS = words("black, white, grey, brown, ginger, golden, spotted, cream")


@dataclass(frozen=True)
class Field:
    """A field of a record: its label, its values, and predicates that say it (third person, after a subject)."""

    key: str
    values: Values
    says: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """A kind of record. `subjects` follow the first mention, which is the record's own name."""

    key: str
    noun: str
    names: Values
    subjects: tuple[str, ...]
    fields: tuple[Field, ...]


def _f(label: str, values: Values, *says: str) -> Field:
    return Field(label, values, says)


def _title(first: str, second: str) -> Values:
    one, two = words(first), words(second)
    return lambda rng: f"{one(rng)} {two(rng)}"


BASE = (
    Kind("employee", "colleague", person, ("This colleague", "Our colleague"), (
        _f("Age", number(22, 67), "is {v} years old", "is aged {v}", "has reached the age of {v}"),
        _f("Job", words("nurse, carpenter, cashier, baker, welder, librarian, plumber, translator, gardener, tailor"),
           "works as a {v}", "is a {v} by trade", "earns a living as a {v}", "has the job of {v}"),
        _f("City", CITIES, "lives in {v}", "is based in {v}", "calls {v} home", "has a home in {v}"),
        _f("Joined", number(1995, 2024), "joined in {v}", "came to the company in {v}", "has been on the team since {v}"),
        _f("Language", words("Spanish, Polish, Turkish, Hindi, Korean, Dutch, Arabic, Greek, Danish"),
           "speaks {v}", "knows {v} well", "is fluent in {v}"),
        _f("Hobby", words("chess, rowing, pottery, fencing, karaoke, climbing, origami, archery, juggling, sailing"),
           "enjoys {v}", "spends weekends on {v}", "is keen on {v}", "is a fan of {v}"),
        _f("Extension", number(110, 989), "can be reached on extension {v}", "answers extension {v}", "has the extension {v}"),
        _f("Desk", words("B2, C4, D7, E1, F9, G3, H6, K8"), "sits at desk {v}", "works from desk {v}", "is found at desk {v}"),
    )),
    Kind("restaurant", "restaurant", _title("Blue, Golden, Old, Little, Green, Silver, Happy, Royal",
                                            "Anchor, Lantern, Olive, Kettle, Fig, Sparrow, Oven, Lemon"),
         ("It", "The place", "The restaurant"), (
        _f("Cuisine", words("Thai, Greek, Lebanese, Mexican, Peruvian, Korean, Ethiopian, Vietnamese, Turkish, Georgian"),
           "serves {v} food", "offers {v} cooking", "is known for {v} food"),
        _f("Street", STREETS, "is on {v}", "can be found on {v}", "stands on {v}", "has its door on {v}"),
        _f("Seats", number(18, 140, 2), "has {v} seats", "seats {v} guests", "has room for {v} guests"),
        _f("Opened", number(1968, 2023), "opened in {v}", "has been open since {v}", "first opened its doors in {v}"),
        _f("Closed on", WEEKDAYS, "is closed on {v}", "stays shut on {v}", "takes a rest on {v}"),
        _f("Menu price", number(14, 78), "has a set menu at {v} euros", "charges {v} euros for the set menu",
           "asks {v} euros for its set menu"),
        _f("Chef", person, "is run by chef {v}", "has {v} as its chef", "is in the hands of chef {v}"),
        _f("Rating", words("3.1, 3.4, 3.6, 3.8, 3.9, 4.1, 4.2, 4.4, 4.5, 4.7, 4.8"), "is rated {v} stars", "holds a rating of {v} stars",
           "gets {v} stars from its guests"),
    )),
    Kind("book", "novel", _title("Silent, Last, Distant, Broken, Winter, Borrowed, Paper",
                                 "Garden, Harbour, Mirror, Orchard, Compass, Bridge, Letter, Island"),
         ("It", "The book", "The novel"), (
        _f("Author", person, "was written by {v}", "comes from the pen of {v}", "has {v} as its author", "is by {v}"),
        _f("Published", number(1925, 2024), "was published in {v}", "appeared in {v}", "came out in {v}"),
        _f("Pages", number(96, 780), "has {v} pages", "runs to {v} pages", "fills {v} pages"),
        _f("Genre", words("mystery, romance, fantasy, horror, satire, adventure, biography, drama"),
           "belongs to the {v} genre", "is shelved under {v}", "counts as {v}"),
        _f("Publisher", words("Foxglove Press, Harrow House, Northlight Books, Tidemark, Juniper Press, Old Mill Books, Kestrel House"),
           "is published by {v}", "was brought out by {v}", "carries the imprint of {v}"),
        _f("Price", number(6, 45), "costs {v} euros", "sells for {v} euros", "is priced at {v} euros"),
        _f("Set in", CITIES, "is set in {v}", "takes place in {v}", "has its story in {v}"),
        _f("Chapters", number(8, 64), "is divided into {v} chapters", "has {v} chapters", "spans {v} chapters"),
    )),
    Kind("event", "event", _title("Spring, Harbour, City, Lantern, Riverside, Midnight, Village, Summer",
                                  "Concert, Fair, Marathon, Market, Festival, Regatta, Quiz, Parade"),
         ("It", "The event"), (
        _f("Date", day, "takes place on {v}", "is planned for {v}", "will be held on {v}", "happens on {v}"),
        _f("Starts", clock, "starts at {v}", "begins at {v}", "gets going at {v}"),
        _f("Venue", words("Town Hall, Lakeside Park, Old Factory, Central Library, Harbour Pier, Rose Garden, Sports Dome, North Gate"),
           "is held at the {v}", "meets at the {v}", "will use the {v}", "gathers at the {v}"),
        _f("Ticket", number(3, 95), "costs {v} euros to enter", "asks {v} euros at the door", "has tickets at {v} euros"),
        _f("Places", number(40, 950, 10), "has {v} places", "can take {v} people", "offers room to {v} people"),
        _f("Organiser", person, "is organised by {v}", "is put together by {v}", "has {v} as its organiser"),
        _f("Lasts", number(2, 11), "lasts {v} hours", "goes on for {v} hours", "takes up {v} hours"),
        _f("Theme", words("jazz, gardening, science, cycling, poetry, chocolate, astronomy, folklore, robotics"),
           "is all about {v}", "is devoted to {v}", "has {v} as its theme"),
    )),
    Kind("flat", "flat", lambda rng: f"Flat {rng.randrange(2, 98)}", ("It", "The flat", "The apartment"), (
        _f("Rooms", number(2, 9), "has {v} rooms", "comes with {v} rooms", "offers {v} rooms"),
        _f("Rent", number(420, 2350, 10), "costs {v} euros a month", "rents for {v} euros a month", "asks {v} euros a month in rent"),
        _f("Area", number(28, 164), "measures {v} square metres", "covers {v} square metres", "gives you {v} square metres"),
        _f("Street", STREETS, "is on {v}", "lies on {v}", "has its entrance on {v}"),
        _f("Built", number(1890, 2022), "was built in {v}", "dates from {v}", "was finished in {v}"),
        _f("Heating", words("gas, oil, electric, solar, district, wood"), "uses {v} heating", "is warmed by {v} heating", "relies on {v} heating"),
        _f("Free from", day, "is free from {v}", "becomes available on {v}", "can be moved into on {v}"),
        _f("Agent", person, "is let by {v}", "is offered through {v}", "can be viewed with {v}"),
    )),
    Kind("pet", "animal", words("Biscuit, Pepper, Mango, Shadow, Clover, Ziggy, Olive, Rocket, Maple, Pickle, Domino, Nutmeg, Tango"),
         ("It", "The animal", "This little one"), (
        _f("Species", words("cat, dog, rabbit, parrot, ferret, hamster, tortoise, goat"), "is a {v}", "happens to be a {v}", "is a lovely {v}"),
        _f("Age", number(2, 17), "is {v} years old", "has lived for {v} years", "is aged {v}"),
        _f("Outings", number(3, 28), "goes out {v} times a week", "enjoys {v} outings a week", "is taken outside {v} times a week"),
        _f("Colour", COLOURS, "is {v} in colour", "has a {v} coat", "wears a {v} coat"),
        _f("Favourite food", words("carrots, salmon, apples, chicken, pumpkin, cheese, peas, tuna"), "loves {v}", "is mad about {v}", "eats {v} with joy"),
        _f("Arrived", day, "arrived on {v}", "came to the shelter on {v}", "was brought in on {v}"),
        _f("Keeper", person, "is looked after by {v}", "has {v} as its keeper", "is in the care of {v}"),
        _f("Kennel", number(3, 88), "stays in kennel {v}", "sleeps in kennel {v}", "is housed in kennel {v}"),
    )),
)  # fmt: skip

HELD_OUT = (
    Kind("ship", "ship", _title("Northern, Morning, Iron, Merry, Distant, Crimson", "Star, Heron, Tide, Wanderer, Gale, Pearl"),
         ("It", "The ship", "The vessel"), (
        _f("Length", number(18, 320), "is {v} metres long", "measures {v} metres from bow to stern", "stretches over {v} metres"),
        _f("Crew", number(4, 95), "sails with a crew of {v}", "needs {v} hands on board", "carries {v} sailors"),
        _f("Launched", number(1921, 2022), "was launched in {v}", "first touched water in {v}", "left the yard in {v}"),
        _f("Home port", CITIES, "has its home port in {v}", "is registered in {v}", "returns each winter to {v}"),
        _f("Cargo", words("timber, grain, coffee, cement, salt, steel, cotton, oranges"), "transports {v}", "is loaded with {v}", "trades in {v}"),
        _f("Captain", person, "sails under captain {v}", "obeys captain {v}", "is commanded by {v}"),
        _f("Top speed", number(8, 34), "reaches {v} knots", "makes {v} knots at best", "can do {v} knots"),
        _f("Decks", number(2, 14), "has {v} decks", "is built with {v} decks", "rises over {v} decks"),
    )),
    Kind("course", "course", _title("Practical, Applied, Early, Modern, Advanced", "Botany, Statistics, Poetry, Geology, Acoustics, Logic, Weaving"),
         ("It", "The course", "The class"), (
        _f("Teacher", person, "is taught by {v}", "is given by {v}", "has {v} at the front of the room"),
        _f("Credits", number(2, 30), "is worth {v} credits", "brings {v} credits", "counts for {v} credits"),
        _f("Room", words("A12, B07, C31, D18, E24, F40, G09, H16"), "meets in room {v}", "uses room {v}", "gathers in room {v}"),
        _f("Weekday", WEEKDAYS, "is held on {v}", "runs on {v}", "falls on {v}"),
        _f("Weeks", number(4, 26), "lasts {v} weeks", "continues for {v} weeks", "is spread over {v} weeks"),
        _f("Exam", words("oral, written, practical, online, take-home"), "ends with an exam that is {v}", "closes with a test that is {v}",
           "is concluded by an exam that is {v}"),
        _f("Fee", number(45, 890, 5), "costs {v} euros", "has a fee of {v} euros", "is offered for {v} euros"),
        _f("Enrolled", number(6, 180), "has {v} students", "counts {v} students", "was chosen by {v} students"),
    )),
    Kind("trail", "hiking trail", _title("Eagle, Shepherd, Granite, Juniper, Echo, Copper", "Ridge, Loop, Pass, Path, Traverse, Way"),
         ("It", "The trail", "The route"), (
        _f("Distance", number(4, 48), "is {v} kilometres long", "covers {v} kilometres", "leads over {v} kilometres"),
        _f("Climb", number(120, 1950, 10), "climbs {v} metres", "gains {v} metres in height", "rises by {v} metres"),
        _f("Starts in", CITIES, "starts in {v}", "sets out from {v}", "leaves from {v}"),
        _f("Takes", number(2, 13), "takes {v} hours", "asks for {v} hours of walking", "is done in {v} hours"),
        _f("Grade", words("easy, moderate, hard, severe, gentle"), "is graded {v}", "is marked as {v}", "counts as {v}"),
        _f("Best month", lambda rng: rng.choice(MONTHS), "is at its best in {v}", "is loveliest in {v}", "should be walked in {v}"),
        _f("Huts", number(2, 9), "passes {v} huts", "has {v} huts along the way", "links {v} huts"),
        _f("Warden", person, "is kept by warden {v}", "is looked after by {v}", "has {v} as its warden"),
    )),
)  # fmt: skip

ASKS = (
    "Summarise this {noun} record in at most {limit} words. State every field and add nothing else.",
    "Please turn the record below into a short text of no more than {limit} words that covers all fields and invents nothing.",
    "Write a brief description of this {noun}, {limit} words at most, using every fact in the record and only those.",
    "Here is the record of one {noun}. In {limit} words or fewer, tell me all it says, and nothing it does not say.",
    "I need a summary of this {noun}: complete, faithful to the record, and within {limit} words.",
)
HARDER_ASKS = (
    "Could you put this {noun} sheet into plain sentences? Stay within {limit} words, leave no entry out, make nothing up.",
    "Describe the {noun} listed here. Limit: {limit} words. Every entry must appear; nothing else may.",
    "From the data sheet of a {noun} that follows, write at most {limit} words which mention each entry correctly.",
)
