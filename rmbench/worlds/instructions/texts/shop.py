"""Texts for customers and tenants."""

from __future__ import annotations

from rmbench.worlds.instructions.kinds import DAYS, TIMES, Kind, Slot

BLURB = Kind(
    domain="base",
    topics=("travel mug", "desk lamp", "rain jacket", "backpack", "kettle", "garden stool"),
    requests=(
        "a short product blurb for our new {topic}",
        "a few lines for our shop about a {topic}",
        "a catalogue text for a {topic}",
    ),
    slots={
        "colour": Slot(
            "colour",
            ("navy blue", "forest green", "brick red", "charcoal grey", "bright orange", "pale yellow"),
            ("it comes in {v}", "the colour is {v}"),
            ("It comes in {v}.", "The {topic} is {v}.", "We have chosen {v} for this season."),
        ),
        "price": Slot(
            "price",
            ("19 euros", "24 euros", "29 euros", "35 euros", "42 euros", "48 euros"),
            ("it costs {v}", "the price is {v}"),
            ("It costs {v}.", "You can have it for {v}.", "The {topic} is yours for {v}."),
        ),
        "material": Slot(
            "material",
            ("recycled steel", "bamboo", "natural rubber", "cork", "waxed cotton", "beech wood"),
            ("it is made with {v}", "the main material is {v}"),
            ("We make it with {v}.", "The secret is {v}.", "Thanks to {v} it lasts for years."),
        ),
        "origin": Slot(
            "country",
            ("Sweden", "Portugal", "Slovenia", "Ireland", "Estonia", "Austria"),
            ("it is made in {v}", "our workshop is in {v}"),
            ("Our workshop is in {v}.", "Every piece is made in {v}.", "The {topic} comes straight from {v}."),
        ),
    },
    words={
        "compact": (
            "It is pleasantly compact.",
            "You will like how compact it is.",
            "Something so compact can go everywhere with you.",
        ),
        "sturdy": (
            "It is sturdy and simple.",
            "The base is extra sturdy.",
            "A sturdy frame keeps it safe from bumps.",
        ),
        "gift": (
            "It makes a lovely gift.",
            "Looking for a gift has become easy.",
            "As a gift it never fails to please.",
        ),
        "clean": ("It is easy to clean.", "You can clean it in seconds.", "A damp cloth is enough to keep it clean."),
        "design": ("The design is timeless.", "We kept the design simple.", "Its design has already won two prizes."),
        "colleagues": (
            "Your colleagues will want one.",
            "Be ready for questions from colleagues.",
            "It will make your colleagues a little jealous.",
        ),
        "warranty": (
            "A full warranty is included.",
            "The warranty covers every part.",
            "You register the warranty online in a minute.",
        ),
        "morning": ("It is made for a busy morning.", "Use it every morning.", "Your morning will never be the same."),
    },
    questions=(
        "Why wait any longer?",
        "Are you ready for something better?",
        "Who would not want one?",
        "Have you ever seen one like this?",
    ),
    names=(
        "{name} from our team uses it every day.",
        "It was drawn by {name} on a napkin.",
        "Our designer {name} thought of everything.",
    ),
    numbers=("We have tested it {n} times.", "Only {n} pieces are left.", "It took {n} sketches to get it right."),
)

NOTICE = Kind(
    domain="base",
    topics=("lift repair", "boiler check", "window cleaning", "fire alarm test", "roof inspection"),
    requests=(
        "a short notice to tenants about the {topic}",
        "a notice for the hallway about a {topic}",
        "a few lines to inform residents of the {topic}",
    ),
    slots={
        "day": Slot(
            "day",
            DAYS,
            ("it is on {v}", "it has been set for {v}"),
            ("The {topic} is on {v}.", "We have planned it for {v}.", "Please note that it will take place on {v}."),
        ),
        "time": Slot(
            "starting time",
            TIMES,
            ("it starts at {v}", "work begins at {v}"),
            ("Work begins at {v}.", "The start is at {v}.", "It will start at {v} and should not take long."),
        ),
        "building": Slot(
            "building",
            ("Cedar House", "Birch House", "Elm House", "Walnut House", "Willow House", "Hazel House"),
            ("it concerns {v}", "the building is {v}"),
            ("It concerns {v}.", "Only {v} is affected.", "This is for everyone who lives in {v}."),
        ),
        "task": Slot(
            "task for residents",
            (
                "close the windows",
                "clear the hallway",
                "move your bicycles",
                "keep pets indoors",
                "lock the cellar",
                "unplug the washing machines",
            ),
            ("residents should {v}", "people are asked to {v}"),
            ("Please {v}.", "We ask you to {v} beforehand.", "To help us you should {v} in good time."),
        ),
    },
    words={
        "noise": (
            "There may be some noise.",
            "The noise will be kept low.",
            "We are sorry for any noise that this causes.",
        ),
        "safety": ("It is for your safety.", "Your safety comes first.", "The rules of safety require it every year."),
        "stairs": ("Please use the stairs.", "The stairs stay open.", "Watch your step on the stairs while it lasts."),
        "workers": (
            "The workers carry a badge.",
            "Two workers will be on site.",
            "Our workers will clean up when they leave.",
        ),
        "patience": ("Thank you for your patience.", "We count on your patience.", "A little patience will be needed."),
        "access": (
            "We need access to every flat.",
            "The yard must allow access.",
            "If nobody can give access, please leave a key.",
        ),
        "delay": (
            "A short delay is possible.",
            "If there is a delay, we will put up a sign.",
            "Last time there was no delay at all.",
        ),
        "office": ("The office is open as usual.", "You can call the office.", "A printed copy hangs in the office."),
    },
    questions=(
        "Do you have any concerns?",
        "Will you be away that day?",
        "Do you need help to prepare?",
        "Have you told the people next door?",
    ),
    names=(
        "{name} can be reached by phone.",
        "Please report problems to {name} at once.",
        "The caretaker {name} will be present.",
    ),
    numbers=(
        "It affects {n} flats.",
        "The whole thing takes about {n} minutes.",
        "You will find the form in room {n} downstairs.",
    ),
)
