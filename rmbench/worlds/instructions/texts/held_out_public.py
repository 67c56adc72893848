"""Kinds of text that only the shifted split asks for: job advert, review."""

from __future__ import annotations

from rmbench.worlds.instructions.kinds import MONTHS, Kind, Slot

JOB = Kind(
    domain="held_out",
    topics=("baker", "gardener", "night porter", "lifeguard", "librarian"),
    requests=(
        "a brief job advert for a {topic}",
        "a job posting: we are hiring a {topic}",
        "an advert that finds us a {topic}",
    ),
    slots={
        "month": Slot(
            "starting month",
            MONTHS,
            ("the job starts in {v}", "we need someone from {v}"),
            ("The job starts in {v}.", "We need you from {v}.", "Your first day would be in {v}."),
        ),
        "town": Slot(
            "town",
            ("Norwich", "Bath", "Durham", "Exeter", "Lincoln", "Truro", "Perth"),
            ("the job is in {v}", "we are based in {v}"),
            ("We are based in {v}.", "The job is in {v}.", "You would work with us in {v}."),
        ),
        "pay": Slot(
            "pay",
            ("13 euros an hour", "14 euros an hour", "15 euros an hour", "16 euros an hour", "17 euros an hour"),
            ("we pay {v}", "the pay is {v}"),
            ("We pay {v}.", "You will earn {v}.", "To begin with we offer {v}."),
        ),
        "skill": Slot(
            "requirement",
            (
                "a driving licence",
                "basic French",
                "a first aid certificate",
                "computer skills",
                "a steady hand",
                "a good reference",
            ),
            ("applicants need {v}", "one must have {v}"),
            ("You must have {v}.", "We ask for {v}.", "What we do expect of you is {v}."),
        ),
    },
    words={
        "friendly": ("Our team is friendly.", "We look for someone friendly.", "You will work in a friendly place."),
        "training": ("We offer full training.", "The training is paid.", "After the training you work on your own."),
        "holiday": (
            "You get six weeks of holiday.",
            "We close for a holiday in winter.",
            "Every birthday is a holiday here.",
        ),
        "uniform": (
            "A uniform is provided.",
            "We wash the uniform for you.",
            "You may keep the uniform if you leave us.",
        ),
        "reliable": (
            "We need someone reliable.",
            "You are reliable and calm.",
            "A reliable person will go far with us.",
        ),
        "weekend": (
            "Every second weekend is free.",
            "Some weekend shifts are needed.",
            "If you work on a weekend, you are paid more.",
        ),
        "contract": (
            "The contract is permanent.",
            "You sign the contract on day one.",
            "Our contract is short and easy to read.",
        ),
        "experience": (
            "No experience is needed.",
            "Some experience is welcome.",
            "We care more about people than about experience.",
        ),
    },
    questions=(
        "Is that you?",
        "Are you up for it?",
        "Do you know someone who fits?",
        "Would you like to try it for a day?",
    ),
    names=(
        "Please write to {name} directly.",
        "{name} would be your boss.",
        "Your application goes to {name} in our office.",
    ),
    numbers=(
        "We are a team of {n} people.",
        "You would work {n} hours a week.",
        "We have been in business for {n} years.",
    ),
)

REVIEW = Kind(
    domain="held_out",
    topics=("noodle bar", "pizzeria", "seaside café", "vegetarian bistro", "food truck"),
    requests=(
        "a brief review of a {topic}",
        "an online review of the {topic} we tried",
        "my review of a {topic} for a local blog",
    ),
    slots={
        "dish": Slot(
            "dish",
            (
                "the pumpkin ravioli",
                "the garlic prawns",
                "the sesame tofu",
                "the onion soup",
                "the plum cake",
                "the spicy wontons",
            ),
            ("I ordered {v}", "the dish was {v}"),
            ("I ordered {v}.", "My choice was {v}.", "On that evening I went for {v}."),
        ),
        "street": Slot(
            "street",
            ("Dock Street", "Garden Row", "Temple Lane", "Fountain Square", "Tower Hill", "Canal Road"),
            ("it is in {v}", "you find it in {v}"),
            ("You find it in {v}.", "The {topic} is in {v}.", "It is hidden away in {v}."),
        ),
        "stars": Slot(
            "rating",
            ("one star", "two stars", "three stars", "four stars", "five stars"),
            ("I give it {v}", "the rating is {v}"),
            ("I give it {v}.", "For me that makes {v}.", "All in all it gets {v} from me."),
        ),
        "wait": Slot(
            "waiting time",
            ("ten minutes", "twenty minutes", "half an hour", "forty minutes", "one hour"),
            ("we waited for {v}", "the wait was {v}"),
            ("We waited for {v}.", "After {v} the plates arrived.", "It took {v} until we could eat."),
        ),
    },
    words={
        "portion": ("The portion was large.", "One portion feeds two.", "I could not finish my portion."),
        "waiter": (
            "The waiter knew the menu by heart.",
            "Our waiter was quick.",
            "A young waiter told us about the wines.",
        ),
        "noisy": (
            "It gets noisy after dark.",
            "It was a bit noisy inside.",
            "If you dislike noisy places, sit outside.",
        ),
        "spices": (
            "The spices were well chosen.",
            "I could taste the spices for hours.",
            "They are not shy with spices.",
        ),
        "table": ("We got a table by the window.", "You should book a table.", "Every table was taken when we came."),
        "price": ("The price is fair.", "For that price you cannot complain.", "I would gladly pay twice the price."),
        "dessert": ("Save some room for dessert.", "The dessert was on the house.", "We shared a dessert between us."),
        "candles": (
            "There were candles everywhere.",
            "The candles gave a soft glow.",
            "I liked the candles and the old wooden chairs.",
        ),
    },
    questions=(
        "Would I go again?",
        "What more could one want?",
        "Who knew that it was so close to home?",
        "Have you tried it yet?",
    ),
    names=(
        "{name} liked it even more than I did.",
        "I will take {name} there next.",
        "The owner is called {name} by all the regulars.",
    ),
    numbers=("The bill came to {n} euros.", "There are {n} dishes on the menu.", "The bus line {n} stops outside."),
)
