"""Texts that help: tips, a reminder."""

from __future__ import annotations

from rmbench.worlds.instructions.kinds import DAYS, TIMES, Kind, Slot

TIPS = Kind(
    domain="base",
    topics=("sleeping better", "saving money", "learning a language", "running regularly", "keeping a tidy desk"),
    requests=("a short list of tips for {topic}", "some quick tips on {topic}", "a few tips for beginners on {topic}"),
    slots={
        "when": Slot(
            "best time",
            ("before breakfast", "after lunch", "at sunset", "after work", "before dinner", "at dawn"),
            ("the best time for it is {v}", "one should do it {v}"),
            ("The best time is {v}.", "Do it {v}.", "Make room for it {v} and nothing will get in the way."),
        ),
        "tool": Slot(
            "useful tool",
            (
                "a notebook",
                "a kitchen timer",
                "a wall calendar",
                "a whiteboard",
                "a box of index cards",
                "a pocket diary",
            ),
            ("{v} helps", "it is useful to have {v}"),
            ("Get yourself {v}.", "All you need is {v}.", "You will be surprised how much {v} helps."),
        ),
        "weeks": Slot(
            "time until results",
            ("two weeks", "three weeks", "four weeks", "five weeks", "six weeks", "ten weeks"),
            ("it takes {v} to see results", "results show after {v}"),
            ("Results show after {v}.", "Give it {v}.", "You should keep going for {v} at least."),
        ),
        "reward": Slot(
            "reward",
            ("a hot bath", "a piece of cake", "a good film", "a cup of cocoa", "a long nap", "a new book"),
            ("one should celebrate with {v}", "a good reward is {v}"),
            (
                "Reward yourself with {v}.",
                "You have then earned {v}.",
                "When a goal is reached, treat yourself to {v}.",
            ),
        ),
    },
    words={
        "small": ("Start with small steps.", "Keep every goal small.", "Even a small change adds up over time."),
        "habit": ("Turn it into a habit.", "A habit needs no willpower.", "Tie it to a habit that you already have."),
        "phone": ("Put your phone away.", "Leave the phone in another room.", "A silent phone is your best ally here."),
        "setbacks": (
            "Do not fear setbacks.",
            "You learn from setbacks.",
            "Everyone has setbacks in the first few days.",
        ),
        "plan": ("Write down your plan.", "Stick to the plan.", "A simple plan beats a perfect one."),
        "progress": (
            "Keep track of your progress.",
            "Be proud of your progress.",
            "Slow progress is still better than none.",
        ),
        "excuses": ("Do not look for excuses.", "Leave no room for excuses.", "You will soon run out of excuses."),
        "fun": ("Try to have fun.", "Make it fun for yourself.", "What is fun gets done without effort."),
    },
    questions=(
        "What is holding you back?",
        "Does it sound too easy?",
        "Which of these will you try today?",
        "Ready to begin?",
    ),
    names=("{name} swears by this method.", "Take {name} as an example.", "It worked for {name} on the first try."),
    numbers=(
        "Just {n} minutes a day will do.",
        "Try it {n} times before you judge it.",
        "Out of {n} beginners almost all succeed.",
    ),
)

REMINDER = Kind(
    domain="base",
    topics=("team meeting", "parents' evening", "dentist appointment", "car service", "vision test"),
    requests=(
        "a short reminder about the {topic}",
        "a reminder to a colleague about a {topic}",
        "a quick message to remind someone of the {topic}",
    ),
    slots={
        "day": Slot(
            "day",
            DAYS,
            ("it is on {v}", "the day is {v}"),
            ("The {topic} is on {v}.", "It is set for {v}.", "As agreed it is on {v}."),
        ),
        "time": Slot(
            "time",
            TIMES,
            ("it starts at {v}", "one must be there at {v}"),
            ("It starts at {v}.", "Please be there at {v}.", "You are expected at {v} and not a minute later."),
        ),
        "place": Slot(
            "street",
            ("Station Road", "Mill Lane", "Bridge Street", "Castle Square", "Orchard Avenue", "King Street"),
            ("the address is in {v}", "it is held in {v}"),
            ("The address is in {v}.", "We will see you in {v}.", "This time you need to go to {v}."),
        ),
        "bring": Slot(
            "thing to bring",
            ("a passport", "the signed form", "some water", "the spare key", "the insurance card", "the last invoice"),
            ("one needs to bring {v}", "it is important to take {v} along"),
            ("Please bring {v}.", "You will need {v}.", "Without {v} it will not work."),
        ),
    },
    words={
        "early": ("Try to be early.", "It pays to come early.", "An early start saves you a long wait."),
        "traffic": ("Mind the traffic.", "There can be a lot of traffic.", "Leave some extra time for traffic."),
        "cancel": (
            "Call us if you must cancel.",
            "You can cancel online.",
            "It is free to cancel up to the day before.",
        ),
        "calendar": (
            "Put it in your calendar.",
            "It should be in your calendar by now.",
            "Have another look at your calendar tonight.",
        ),
        "coffee": (
            "There will be coffee.",
            "You may want a coffee before you leave.",
            "Afterwards there is time for coffee.",
        ),
        "relax": (
            "Afterwards you can relax.",
            "There is a corner where you can relax.",
            "You may relax once that is done.",
        ),
        "entrance": ("Use the side entrance.", "The entrance is well lit.", "Ring the bell at the main entrance."),
        "forget": (
            "People forget such things easily.",
            "You would not be the first to forget.",
            "Busy weeks make us forget a lot.",
        ),
    },
    questions=(
        "Can you make it?",
        "Does that still suit you?",
        "Have you got everything you need?",
        "Shall I pick you up?",
    ),
    names=("{name} will be waiting for you.", "If you are late, tell {name} about it.", "{name} is going as well."),
    numbers=(
        "It should take about {n} minutes.",
        "The bus that stops there is number {n}.",
        "Please go to room {n} when you arrive.",
    ),
)
