"""The shelves: every kind of text by name, and what all of them draw from."""

from rmbench.worlds.instructions.kinds import Kind
from rmbench.worlds.instructions.texts import advice, cards, held_out_private, held_out_public, letters, shop

KINDS: dict[str, Kind] = {
    name.lower(): kind
    for module in (cards, letters, shop, advice, held_out_public, held_out_private)
    for name, kind in vars(module).items()
    if isinstance(kind, Kind)
}

NAMES = (
    "Marisol", "Tobias", "Priya", "Henrik", "Amara", "Leopold", "Yuki", "Fatima", "Bruno", "Ingrid", "Rafael", "Odette",
    "Kwame", "Sunita", "Casper", "Eleni",
)  # fmt: skip
NUMBERS = tuple(n for n in range(21, 40) if n not in {24, 29, 35})  # prices and wages keep clear of these

# Words to begin with, by domain; in front of a sentence they take a comma.
BEGINNINGS = {
    "base": ("Hello", "Well", "Right", "Now", "Yes", "Listen", "Indeed"),
    "held_out": ("Okay", "So", "Greetings", "Look", "True"),
}
ENDINGS = {
    "base": ("See you soon", "Take care", "All the best", "Until next time", "That is all for now", "With warm wishes"),
    "held_out": ("Kind regards", "Many thanks", "Over to you", "Keep smiling", "That says it all", "Yours truly"),
}
LINKERS = ("Also, ", "Besides, ", "By the way, ", "Better still, ", "What is more, ", "On top of that, ")
