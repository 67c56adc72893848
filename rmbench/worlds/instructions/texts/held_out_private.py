"""Kinds of text that only the shifted split asks for: missing pet, congratulations."""

from __future__ import annotations

from rmbench.worlds.instructions.kinds import DAYS, MONTHS, Kind, Slot

PET = Kind(
    domain="held_out",
    topics=("cat", "tortoise", "parrot", "rabbit", "dachshund"),
    requests=(
        "a poster text: our {topic} is missing",
        "the text of a flyer about our lost {topic}",
        "a notice for lamp posts about a runaway {topic}",
    ),
    slots={
        "colour": Slot(
            "colour",
            ("grey", "ginger", "black", "speckled", "brown", "white"),
            ("the animal is {v}", "its colour is {v}"),
            ("Our {topic} is {v}.", "You will know it by its {v} colour.", "It is mostly {v} all over."),
        ),
        "street": Slot(
            "street",
            ("Park Lane", "Church Road", "School Street", "Ferry Road", "Abbey Close", "Chapel Row"),
            ("it was last seen in {v}", "it ran off in {v}"),
            ("It was last seen in {v}.", "It ran off in {v}.", "Someone spotted it near {v} a while ago."),
        ),
        "day": Slot(
            "day",
            DAYS,
            ("it has been gone since {v}", "it disappeared on {v}"),
            ("We have missed it since {v}.", "It disappeared on {v}.", "Nobody has seen it since {v}."),
        ),
        "reward": Slot(
            "reward",
            ("a home-made cake", "concert tickets", "a crate of lemonade", "a dinner for two", "a hand-knitted scarf"),
            ("the finder gets {v}", "the reward is {v}"),
            ("The finder gets {v}.", "Our reward is {v}.", "We will thank you with {v}."),
        ),
    },
    words={
        "shy": ("It is very shy.", "A shy animal hides well.", "Please be gentle because it is shy."),
        "garage": ("Please look in your garage.", "It may be stuck in a garage.", "It once spent a night in a garage."),
        "collar": ("It wears a collar.", "The collar has a tiny bell.", "There is an address on the collar."),
        "miss": ("We miss it terribly.", "The kids miss it so much.", "You cannot imagine how we miss it."),
        "medicine": ("It needs its medicine.", "Without medicine it may fall ill.", "The vet gave us medicine for it."),
        "treats": ("It comes when offered treats.", "Shake a bag of treats.", "It will do almost anything for treats."),
        "photo": ("The photo shows it last summer.", "You will find a photo below.", "A photo would help us a lot."),
        "gate": ("Somebody left the gate open.", "It slipped through the gate.", "We have since repaired the gate."),
    },
    questions=("Have you seen it?", "Can you help us?", "Did you hear anything unusual?", "Could you check your shed?"),
    names=(
        "It listens to the voice of {name} only.",
        "Please tell {name} if you see it.",
        "{name} is looking everywhere.",
    ),
    numbers=("It is {n} months old.", "We have put up {n} of these.", "Ring at house number {n} at any hour."),
)

CONGRATULATIONS = Kind(
    domain="held_out",
    topics=("graduation", "new job", "engagement", "first novel", "retirement"),
    requests=(
        "a congratulations card for a friend's {topic}",
        "warm words on a colleague's {topic}",
        "a brief message to congratulate someone on their {topic}",
    ),
    slots={
        "month": Slot(
            "month of the celebration",
            MONTHS,
            ("we will celebrate in {v}", "the celebration is in {v}"),
            ("We will celebrate in {v}.", "The party is planned for {v}.", "Let us raise a glass in {v}."),
        ),
        "place": Slot(
            "place",
            ("the Grand Hotel", "the Boathouse", "the Old Brewery", "the City Library", "the Winter Garden"),
            ("the celebration is at {v}", "we have booked {v}"),
            ("We have booked {v}.", "You are invited to {v}.", "Everyone will be waiting for you at {v}."),
        ),
        "gift": Slot(
            "present",
            ("a fountain pen", "a silver watch", "a telescope", "a cookery course", "a balloon ride", "a leather bag"),
            ("the present is {v}", "we are giving {v} as a present"),
            ("Our present is {v}.", "From all of us there is {v}.", "You will soon be the owner of {v}."),
        ),
        "team": Slot(
            "group",
            ("the rowing club", "the choir", "the chess club", "the night shift", "the book circle"),
            ("the card is from {v}", "{v} is sending this"),
            ("This comes from {v}.", "With all the love of {v}.", "It is signed by everyone in {v}."),
        ),
    },
    words={
        "proud": ("We are so proud.", "You can be proud of yourself.", "Your parents must be very proud today."),
        "courage": ("It took courage.", "We admire your courage.", "Not everyone has the courage to go that far."),
        "journey": ("A new journey begins.", "The journey was long.", "Enjoy every step of the journey ahead."),
        "earned": (
            "You have earned it.",
            "You have earned all of this and more.",
            "Nobody has earned it more than you.",
        ),
        "dream": (
            "Your dream came true.",
            "Never stop following your dream.",
            "It was your dream for as long as we can recall.",
        ),
        "champagne": (
            "The champagne is on ice.",
            "We will open the champagne.",
            "There is champagne for the grown-ups.",
        ),
        "success": (
            "We wish you success.",
            "Your success makes us happy.",
            "Behind such success there is a lot of work.",
        ),
        "future": (
            "Your future looks bright.",
            "The future is yours.",
            "May the future bring you many more such days.",
        ),
    },
    questions=("How does it feel?", "Did you ever doubt it?", "What comes next?", "Are you still dancing?"),
    names=(
        "{name} shed a happy tear.",
        "{name} will give a little speech.",
        "Without {name} we would not have heard the news.",
    ),
    numbers=("We have {n} candles ready.", "At least {n} people have signed.", "We have kept the secret for {n} days."),
)
