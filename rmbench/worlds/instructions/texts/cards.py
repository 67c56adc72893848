"""Cards between people who know each other."""

from __future__ import annotations

from rmbench.worlds.instructions.kinds import DAYS, MONTHS, TIMES, Kind, Slot

INVITATION = Kind(
    domain="base",
    topics=("street party", "lunch in the yard", "film night", "housewarming party", "board game evening"),
    requests=(
        "a short invitation to our {topic}",
        "an invitation to a {topic}",
        "a few friendly lines to invite people to our {topic}",
    ),
    slots={
        "day": Slot(
            "day",
            DAYS,
            ("it is on {v}", "we meet on {v}"),
            (
                "The {topic} is on {v}.",
                "Please keep {v} free.",
                "We are getting together on {v}.",
                "It all happens on {v}.",
            ),
        ),
        "time": Slot(
            "starting time",
            TIMES,
            ("it starts at {v}", "the start is at {v}"),
            (
                "We start at {v}.",
                "The doors open at {v}.",
                "Please come at {v}.",
                "It begins at {v} and ends when the last guest leaves.",
            ),
        ),
        "place": Slot(
            "place",
            ("Hillcrest Park", "Rosewood Hall", "Maple Court", "Juniper House", "Linden Yard", "Harbour Terrace"),
            ("it takes place at {v}", "the place is {v}"),
            (
                "We will be at {v}.",
                "The place to be is {v}.",
                "You will find us at {v}.",
                "It takes place at {v} this time.",
            ),
        ),
        "bring": Slot(
            "thing to bring",
            (
                "a folding chair",
                "a warm blanket",
                "a big salad",
                "a pocket torch",
                "a pack of cards",
                "a jar of olives",
            ),
            ("guests should bring {v}", "everyone is asked to bring {v}"),
            ("Please bring {v}.", "It would help if you brought {v}.", "All we ask of you is to bring {v}."),
        ),
    },
    words={
        "music": (
            "There will be live music.",
            "Good music is part of the plan.",
            "My cousin has chosen music for every taste.",
        ),
        "children": (
            "The children are welcome too.",
            "We have a treasure hunt for the children.",
            "Even small children will enjoy themselves.",
        ),
        "neighbours": (
            "All the neighbours are coming.",
            "You will meet the new neighbours.",
            "Some of the neighbours have offered to help us set up.",
        ),
        "food": (
            "There is plenty of food.",
            "We are making the food ourselves.",
            "The food will be simple and very tasty.",
        ),
        "weather": (
            "We have a plan for bad weather.",
            "The weather looks kind so far.",
            "If the weather turns, we will simply move indoors.",
        ),
        "parking": (
            "There is free parking nearby.",
            "The parking is just around the corner.",
            "We have reserved parking for those who come from far away.",
        ),
        "dancing": (
            "There will be dancing later on.",
            "The dancing starts after sunset.",
            "Comfortable shoes are best for the dancing.",
        ),
        "laughter": (
            "We expect a lot of laughter.",
            "Last year the laughter could be heard for miles.",
            "A few hours of laughter will do us all good.",
        ),
    },
    questions=(
        "Will you join us?",
        "Can we count you in?",
        "Who could say no to that?",
        "Would you like to come along with your family?",
    ),
    names=(
        "{name} will be there to greet you.",
        "Tell {name} if you can come.",
        "{name} is already looking forward to it.",
    ),
    numbers=("We have room for {n} guests.", "So far {n} people have said yes.", "There are seats for {n} of us."),
)

THANKS = Kind(
    domain="base",
    topics=(
        "helping with our move",
        "looking after our dog",
        "hosting us last week",
        "the surprise visit",
        "painting the kitchen with us",
    ),
    requests=(
        "a short thank-you note for {topic}",
        "a thank-you card to a friend for {topic}",
        "a warm little note to thank someone for {topic}",
    ),
    slots={
        "best": Slot(
            "best part",
            (
                "the lemon tart",
                "the walk by the river",
                "the photo album",
                "the old records",
                "the picnic on the roof",
                "the bonfire",
            ),
            ("the best part was {v}", "we liked {v} most of all"),
            (
                "The best part was {v}.",
                "We still talk about {v}.",
                "What we loved most was {v}.",
                "I will never forget {v}.",
            ),
        ),
        "favour": Slot(
            "return gift",
            (
                "a box of apples",
                "a bottle of cider",
                "a pot of honey",
                "a bunch of tulips",
                "a loaf of rye bread",
                "a ticket to the opera",
            ),
            ("we are sending {v} in return", "there is {v} on its way in return"),
            (
                "In return we are sending you {v}.",
                "You will soon receive {v} from us.",
                "As a small return gift there is {v} on its way.",
            ),
        ),
        "month": Slot(
            "month of the next visit",
            MONTHS,
            ("we want to meet again in {v}", "the next visit should be in {v}"),
            ("Let us meet again in {v}.", "We would love to see you in {v}.", "Our next visit could be in {v}."),
        ),
        "city": Slot(
            "city",
            ("Lisbon", "Bergen", "Ghent", "Trieste", "Galway", "Porto", "Utrecht"),
            ("we now live in {v}", "our new home is in {v}"),
            (
                "You can now find us in {v}.",
                "Our new home in {v} is ready for guests.",
                "We have settled in {v} by now.",
            ),
        ),
    },
    words={
        "kindness": ("Your kindness means a lot.", "Such kindness is rare.", "We were touched by so much kindness."),
        "generous": (
            "You have been so generous.",
            "That was more than generous.",
            "Few people are as generous as you.",
        ),
        "smile": (
            "You made us smile all day.",
            "It still makes me smile.",
            "There was a smile on every face that evening.",
        ),
        "lucky": (
            "We are lucky to know you.",
            "I feel very lucky.",
            "Not everyone is lucky enough to have such friends.",
        ),
        "memory": (
            "It is a memory to keep.",
            "The memory will stay with us.",
            "Every memory of those days is a happy one.",
        ),
        "patience": (
            "Your patience was remarkable.",
            "Thank you for all the patience.",
            "Without your patience we would have given up.",
        ),
        "energy": (
            "You gave us new energy.",
            "Where do you get all that energy from, I wonder.",
            "Your energy carried the whole group.",
        ),
        "family": (
            "The whole family says thank you.",
            "You are like family to us.",
            "My family has talked of nothing else since.",
        ),
    },
    questions=(
        "How can we ever repay you?",
        "What would we do without you?",
        "When can we do the same for you?",
        "Did you get some rest afterwards?",
    ),
    names=("{name} sends a big hug.", "Please say hello to {name} from us.", "{name} asked me to thank you as well."),
    numbers=(
        "I took {n} pictures.",
        "We have told {n} people about it.",
        "I could give you {n} reasons why it was perfect.",
    ),
)
