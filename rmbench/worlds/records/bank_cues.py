"""How people speak of each field of a record: the words that tie a value to its field in a free text.

A cue is a regular expression for whole words near the value. The record's own value of a `bare` field
can mean nothing else in this record (a street, a desk, a date), so that naming it states the field; another value needs
the cue. `money` fields are in euros.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """What points to a field. `against` are words that point away from it."""

    words: str
    bare: bool = False
    money: bool = False
    against: str = ""


_AGE = r"years? old|-?year-?old|aged?|years? of age|ages?|lived for"
_MONEY = r"euros?|eur|€|cost(?:s|ing)?|pric(?:e|es|ed|ing)|charg(?:e|es|ed|ing)"
_SINCE = r"since|opened|opening|opens|open|established|founded|launched"
_RENT = rf"rent(?:s|ed|al|ing)?|month(?:ly)?|{_MONEY}"

CUES: dict[str, dict[str, Cue]] = {
    "employee": {
        "Age": Cue(_AGE),
        "Job": Cue(r"an?|as|works?|worked|job|trade|profession|career|former", bare=True),
        "City": Cue(r"\w+", bare=True),
        "Joined": Cue(r"join(?:ed|ing|s)?|since|came to|compan(?:y|ies)|team|hired|employed|start(?:ed|ing)?|member"),
        "Language": Cue(r"speak(?:s|er|ing)?|spoke|fluen(?:t|cy|tly)|languages?|knows?|linguist\w*|native"),
        "Hobby": Cue(
            r"enjoy(?:s|ed|ing)?|hobb(?:y|ies)|hobbyist|lov(?:e|es|ed|ing)|passion(?:ate)?|keen|fan|fond|interest(?:s|ed)?"
            r"|weekends?|(?:spare|free) time|likes?|enthusias\w+|avid|pastime|leisure|pursu\w+"
        ),
        "Extension": Cue(r"extension|ext|phone|call(?:ed)?|dial|reached|number"),
        "Desk": Cue(r"desks?|sits?|seat(?:ed)?|works? (?:from|at)|found at", bare=True),
    },
    "restaurant": {
        "Cuisine": Cue(
            r"cuisines?|foods?|dish(?:es)?|cook(?:s|ing|ed)?|restaurants?|serv(?:e|es|ed|ing)|kitchen|flavou?rs?|meals?"
            r"|menus?|eater(?:y|ies)|dining|delicac(?:y|ies)|specialt(?:y|ies)|bistro|diner|fare"
        ),
        "Street": Cue(r"\w+", bare=True),
        "Seats": Cue(r"seat(?:s|ed|ing)?|guests?|capacity|diners?|patrons?|people|room for|accommodat\w+"),
        "Opened": Cue(_SINCE),
        "Closed on": Cue(r"clos(?:e|es|ed|ing)|shut|rest", against=r"open"),
        "Menu price": Cue(rf"menus?|{_MONEY}", money=True),
        "Chef": Cue(r"chefs?|run by|cook(?:s|ed|ing)?|kitchen|head(?:ed)?|led by|hands of|helm"),
        "Rating": Cue(r"stars?|rat(?:ed|ing|ings)|scor(?:e|es|ed)|reviews?|star-rated"),
    },
    "book": {
        "Author": Cue(r"by|authors?|authored|writ(?:e|es|er|ten|ing)|wrote|pen(?:ned)?|novelist|creator"),
        "Published": Cue(r"publi(?:shed|cation|shes)|appeared|came out|releas(?:e|ed)|printed|since"),
        "Pages": Cue(r"pages?|-?page"),
        "Genre": Cue(
            r"genres?|novels?|books?|stor(?:y|ies)|tales?|fiction|shel(?:f|ved)|counts as|thrillers?|classic|works? of"
        ),
        "Publisher": Cue(r"\w+", bare=True),
        "Price": Cue(rf"sells?|sold|buy|{_MONEY}", money=True),
        "Set in": Cue(r"\w+", bare=True),
        "Chapters": Cue(r"chapters?|-?chapter"),
    },
    "event": {
        "Date": Cue(r"\w+", bare=True),
        "Starts": Cue(r"\w+", bare=True, against=r"end(?:s|ed|ing)?|until|till|close(?:s|d)?|finish\w*"),
        "Venue": Cue(r"\w+", bare=True),
        "Ticket": Cue(rf"tickets?|entr(?:y|ance)|door|admission|fee|{_MONEY}", money=True),
        "Places": Cue(
            r"places|capacity|people|attend\w*|seats?|spots?|guests?|visitors?|participants?|room (?:to|for)|vendors?"
        ),
        "Organiser": Cue(r"organi[sz]\w+|host(?:s|ed)?|put together|run by|led by|created by|presented by"),
        "Lasts": Cue(r"hours?|-?hour|hrs?|last(?:s|ing|ed)?|goes on|durations?"),
        "Theme": Cue(r"themes?|-?themed|about|devoted|dedicated|celebrat\w+|focus\w*|festival|fair|art of", bare=True),
    },
    "flat": {
        "Rooms": Cue(r"(?:bed)?rooms?|-?(?:bed)?room"),
        "Rent": Cue(_RENT, money=True),
        "Area": Cue(r"square|sq|sqm|m²|m2|area|met(?:re|er)s?"),
        "Street": Cue(r"\w+", bare=True),
        "Built": Cue(r"built|buil(?:d|ding)|dates?|dating|construct\w+|finished|from|since"),
        "Heating": Cue(r"heat(?:s|ed|ing|er)?|warm(?:s|ed|th)?|-?powered|-?heated|energy"),
        "Free from": Cue(r"\w+", bare=True),
        "Agent": Cue(r"agents?|agency|let by|offered|view(?:s|ed|ing)?|contact|through|managed?|manager|rented by"),
    },
    "pet": {
        "Species": Cue(r"an?|species|breed|happens to be|lovely|little", bare=True),
        "Age": Cue(_AGE),
        "Outings": Cue(r"times?|outings?|week(?:s|ly)?|walk(?:s|ed)?|outside|trips?"),
        "Colour": Cue(r"coats?|furs?|colou?r(?:s|ed)?|coloured|haired", bare=True),
        "Favourite food": Cue(
            r"favou?rites?|foods?|lov(?:e|es|ed|ing)|eat(?:s|ing|en)?|mad about|enjoy(?:s|ed|ing)?|diet|treats?|snacks?"
            r"|feast\w*|fond|likes?|meals?|munch\w*"
        ),
        "Arrived": Cue(r"\w+", bare=True),
        "Keeper": Cue(r"keep(?:s|er|ers)?|kept|car(?:e|ed|es|ing|etaker)|look(?:s|ed)? after|hands of"),
        "Kennel": Cue(r"kennels?"),
    },
    "ship": {
        "Length": Cue(r"met(?:re|er)s?|long|lengths?|bow|stretches"),
        "Crew": Cue(r"crew|hands|sailors|people|members"),
        "Launched": Cue(r"launch(?:ed)?|built|water|yard|since"),
        "Home port": Cue(r"port|registered|home|returns?|harbour|based|in|from|of"),
        "Cargo": Cue(r"cargo|transport\w*|load(?:s|ed)?|trad(?:e|es|ing)|carr(?:y|ies|ying)|haul\w*|deliver\w*"),
        "Captain": Cue(r"captain(?:ed)?|command(?:s|ed|er)?|skipper|led by|under|obeys"),
        "Top speed": Cue(r"knots?|speeds?|kn"),
        "Decks": Cue(r"decks?|-?deck"),
    },
    "course": {
        "Teacher": Cue(r"teach(?:es|er|ers)?|taught|given by|led by|instructor|professor|tutor|lecturer"),
        "Credits": Cue(r"credits?|-?credit|worth"),
        "Room": Cue(r"rooms?|meets|gathers", bare=True),
        "Weekday": Cue(r"\w+", bare=True),
        "Weeks": Cue(r"weeks?|-?week|lasts?"),
        "Exam": Cue(r"exam(?:s|ination)?|tests?|assess\w*|ends|closes|concluded"),
        "Fee": Cue(rf"fees?|tuition|{_MONEY}", money=True),
        "Enrolled": Cue(r"students?|enrol\w*|participants?|people|learners?|attend\w*|counts"),
    },
    "trail": {
        "Distance": Cue(r"kilomet(?:re|er)s?|-?kilomet(?:re|er)|kms?|distance|long|lengths?"),
        "Climb": Cue(r"met(?:re|er)s?|climb(?:s|ed|ing)?|elevation|heights?|ascent|gain(?:s|ed)?|ris(?:e|es|ing)"),
        "Starts in": Cue(r"start(?:s|ed|ing)?|sets? out|leav(?:e|es|ing)|begin(?:s|ning)?|from|in"),
        "Takes": Cue(r"hours?|-?hour|hrs?|takes?"),
        "Grade": Cue(r"grad(?:e|ed|es)|marked|counts|difficult\w*|rated|level|trail|hike|route|walk"),
        "Best month": Cue(r"\w+", bare=True),
        "Huts": Cue(r"huts?|shelters?|cabins?"),
        "Warden": Cue(r"wardens?|kept by|look(?:s|ed)? after|maintained|care"),
    },
}

# Words that a summary of any record may use without adding to it.
NEUTRAL = """
    name named called known located situated place person individual people someone titled title following time times year
    years date features feature offers offer described details number first new euro euros available
"""
