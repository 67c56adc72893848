"""Small talk before the question: exchanges that have no bearing on any question of ours."""

Exchange = tuple[str, str]

SMALL_TALK: tuple[Exchange, ...] = (
    ("Good morning!", "Good morning! What can I do for you today?"),
    ("Hi there, how are you?", "Hello! I am doing well, thank you. What is on your mind?"),
    (
        "I have had far too much coffee today.",
        "That happens to the best of us. A glass of water and a short walk might take the edge off.",
    ),
    (
        "It has not stopped raining here since the weekend.",
        "That sounds dreary. I hope you have something warm to drink and a window with a nice view.",
    ),
    ("Do you ever get tired?", "I do not, though I can see why long days would wear a person out."),
    (
        "I finally cleaned out the garage. It took all afternoon.",
        "Well done! It must feel good to see the floor again.",
    ),
    (
        "My cat keeps walking over the keyboard, so please excuse any odd messages.",
        "No problem at all. Please give the cat my regards.",
    ),
    (
        "What should I listen to while I work?",
        "Many people like something without words: quiet piano pieces, or the sound of rain.",
    ),
    (
        "I am a bit nervous about a talk that I have to give.",
        "That is very common. Going through the opening a few times aloud usually helps more than anything else.",
    ),
    (
        "Is it rude to leave a party early?",
        "Not if you thank your host and say a quick goodbye. Most people will understand.",
    ),
    (
        "The train was late again, and I had to stand the whole way.",
        "How annoying. I hope the way home is more comfortable.",
    ),
    (
        "I have taken up knitting, but my first scarf is a disaster.",
        "First scarves often are. The second one tends to be a good deal better, so do not give up.",
    ),
    (
        "Can you recommend a snack that is not chocolate?",
        "Roasted nuts, a crisp pear, or carrot sticks with hummus are all good choices.",
    ),
    (
        "My neighbour has started to learn the trumpet.",
        "Oh dear. Perhaps you can agree on some quiet hours, in a friendly way.",
    ),
    (
        "I slept badly and cannot think straight.",
        "I am sorry to hear that. Let us take things slowly, then.",
    ),
    (
        "Do you prefer mountains or the sea?",
        "I have never seen either, but people describe both so fondly that I would find it hard to choose.",
    ),
    (
        "We are having friends over tonight and the oven has just broken.",
        "What timing! A cold buffet or a big pot of soup on the stove could save the evening.",
    ),
    (
        "Sorry, I was away for a moment. The doorbell rang.",
        "Welcome back. Whenever you are ready.",
    ),
    (
        "My plants all look rather sad lately.",
        "Too much water is the usual reason. Let the soil dry out a little before you water them again.",
    ),
    ("You have been a great help lately, thank you.", "Thank you for saying so. I am glad to hear it."),
)

# Between a request in two parts: what the user says first, and how the assistant takes it.
FIRST_PART = {
    "records": (
        ("I will paste a record first, and then tell you what I need.\n\n{part}", "Thank you, I have the record."),
        ("Here is a record that I am working with:\n\n{part}", "Got it. What would you like me to do with it?"),
        ("Please have a look at this one.\n\n{part}", "I have read it. What do you need?"),
    ),
    "arithmetic": (
        ("{part}", "All right, I have noted that. What would you like to know?"),
        ("Let me describe the situation before I ask. {part}", "Understood. What is your question?"),
        ("Here is what happens. {part}", "I see. What should I work out?"),
    ),
    "instructions": (
        ("{part}", "Gladly. Is there anything that I should pay attention to?"),
        ("{part} I will send you a few rules for it in a second.", "Fine, I will wait for the rules before I write."),
        ("{part} Wait for my rules before you start.", "Of course. Go ahead."),
    ),
    "transforms": (
        ("This is what we are going to work with.\n\n{part}", "Thanks, I have it in front of me."),
        ("{part}", "I see. What should I do with this?"),
        ("I have some data for you.\n\n{part}", "Thank you. What would you like to know about it?"),
    ),
}
