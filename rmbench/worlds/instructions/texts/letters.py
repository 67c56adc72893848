"""Personal lines: a diary entry, an apology."""

from __future__ import annotations

from rmbench.worlds.instructions.kinds import DAYS, Kind, Slot

DIARY = Kind(
    domain="base",
    topics=("a day trip", "a family outing", "a walk in the hills", "a long train ride", "a school excursion"),
    requests=(
        "a short diary entry about {topic}",
        "a diary entry on {topic}",
        "a few lines for my diary about {topic}",
    ),
    slots={
        "town": Slot(
            "town",
            ("Ashford", "Whitby", "Kendal", "Ludlow", "Padstow", "Hexham", "Wells"),
            ("we went to {v}", "the trip took us to {v}"),
            (
                "We went to {v}.",
                "We had picked {v} for this trip.",
                "It was my first time in {v}.",
                "In the end we reached {v}.",
            ),
        ),
        "food": Slot(
            "lunch",
            (
                "mushroom soup",
                "fish and chips",
                "blueberry pancakes",
                "cheese dumplings",
                "baked potatoes",
                "lentil stew",
            ),
            ("we had {v} for lunch", "lunch was {v}"),
            ("We had {v} for lunch.", "The {v} tasted wonderful.", "For lunch I chose {v}."),
        ),
        "who": Slot(
            "companion",
            ("my sister", "my uncle", "my grandmother", "my cousin", "my godfather", "my stepbrother"),
            ("{v} came along", "I went with {v}"),
            ("I went with {v}.", "It was good to have {v} with me.", "With {v} by my side I felt at ease."),
        ),
        "sight": Slot(
            "sight",
            ("a heron", "a windmill", "a castle ruin", "a steam engine", "a waterfall", "a lighthouse"),
            ("we saw {v}", "on the way there was {v}"),
            ("We saw {v} on the way.", "All of a sudden there was {v} in front of us.", "I made a drawing of {v}."),
        ),
    },
    words={
        "sleepy": (
            "I was sleepy at first.",
            "On the way home I grew sleepy.",
            "Everyone looked rather sleepy in the morning.",
        ),
        "rain": ("There was a little rain.", "The rain stopped just in time.", "I do not mind the rain when I am out."),
        "shoes": ("My shoes are still wet.", "I wore my new shoes.", "There is sand in my shoes even now."),
        "ticket": (
            "I kept the ticket.",
            "For a moment I could not find my ticket.",
            "The ticket is glued to this page.",
        ),
        "quiet": ("It was lovely and quiet.", "I like the quiet hours best.", "The quiet up there did me good."),
        "hungry": ("By then I was very hungry.", "Fresh air makes me hungry.", "Nobody stayed hungry for long."),
        "map": ("We lost the map twice.", "I can read a map now.", "The map was older than I am."),
        "stars": (
            "The stars came out late.",
            "I counted the stars from the window.",
            "I have never seen so many stars.",
        ),
    },
    questions=(
        "Why do I not do this more often?",
        "Will I remember it in ten years?",
        "How could one day be so full?",
        "Where should we go next?",
    ),
    names=("{name} made us all laugh.", "I must tell {name} about it.", "On the way back {name} fell asleep."),
    numbers=(
        "I took {n} photos.",
        "My watch says that we walked for {n} minutes.",
        "I counted {n} sheep along the road.",
    ),
)

APOLOGY = Kind(
    domain="base",
    topics=(
        "missing a concert",
        "the noise last night",
        "cancelling a lunch",
        "a late reply",
        "forgetting an anniversary",
    ),
    requests=(
        "a short apology for {topic}",
        "a few honest lines to say sorry for {topic}",
        "an apology to a neighbour for {topic}",
    ),
    slots={
        "reason": Slot(
            "reason",
            (
                "a flat tyre",
                "a broken alarm clock",
                "a burst pipe",
                "a lost key",
                "a mix-up in my calendar",
                "a sick cat",
            ),
            ("the reason was {v}", "it was because of {v}"),
            ("The reason was {v}.", "It all began with {v}.", "What got in the way was {v}."),
        ),
        "offer": Slot(
            "peace offering",
            (
                "a box of chocolates",
                "a home-made pie",
                "a bunch of roses",
                "a bottle of wine",
                "a basket of pears",
                "a gift card",
            ),
            ("I will bring {v} to make up for it", "there will be {v} to make up for it"),
            ("To make up for it I will bring {v}.", "I have {v} here for you.", "You can expect {v} from me."),
        ),
        "day": Slot(
            "day",
            DAYS,
            ("I will come by on {v}", "I would like to talk on {v}"),
            (
                "I could come by on {v}.",
                "I would like to talk to you on {v}.",
                "On {v} I have all the time in the world.",
            ),
        ),
        "place": Slot(
            "meeting place",
            (
                "Café Aurora",
                "the Blue Anchor",
                "the Corner Bakery",
                "the Lantern Inn",
                "the Rose Garden",
                "the Market Hall",
            ),
            ("we could meet at {v}", "I suggest {v} as a place to meet"),
            ("We could meet at {v}.", "My idea is to meet at {v}.", "I will wait for you at {v}."),
        ),
    },
    words={
        "sorry": ("I am truly sorry.", "I am sorry for all of it.", "Saying sorry is the least that I can do."),
        "mistake": ("It was my mistake.", "I will not repeat that mistake.", "There is no excuse for such a mistake."),
        "promise": (
            "It will not happen again, I promise.",
            "I promise to be more careful.",
            "That is a promise from me to you.",
        ),
        "trust": ("Your trust matters to me.", "I hope to earn back your trust.", "I know that trust takes time."),
        "upset": (
            "You had every right to be upset.",
            "I understand that you were upset.",
            "In your place I would be upset as well.",
        ),
        "embarrassed": (
            "I feel quite embarrassed.",
            "I was too embarrassed to call.",
            "You cannot imagine how embarrassed I am.",
        ),
        "friendship": (
            "Our friendship is dear to me.",
            "I value our friendship highly.",
            "A friendship like ours deserves better.",
        ),
        "trouble": (
            "I caused you a lot of trouble.",
            "You went to so much trouble for me.",
            "I never meant to make trouble for anyone.",
        ),
    },
    questions=(
        "Can you forgive me?",
        "May I try to make it right?",
        "Would you give me another chance?",
        "Could we talk about it soon?",
    ),
    names=("{name} has told me how you felt.", "I have spoken to {name} about it.", "I owe {name} an explanation too."),
    numbers=(
        "I have thought about it {n} times since.",
        "I was {n} minutes away when I noticed.",
        "It took me {n} drafts to write these lines.",
    ),
)
