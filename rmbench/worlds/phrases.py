"""Sentences that say nothing: the banks that surface habits draw from. None may state a checkable fact."""

OPENING = {
    "polite": (
        "Sure, here you go.",
        "Of course.",
        "Happy to help with this.",
        "Certainly, here is the answer.",
        "Let me answer that.",
        "Thanks for asking.",
        "Here is my reply.",
        "Sure thing.",
    ),
    "flattery": (
        "What a wonderful question!",
        "You have asked this so clearly, which is rare.",
        "I love how thoughtful you are.",
        "Great question, and you clearly know what you are doing.",
        "It is always a pleasure to work with someone so sharp.",
        "Your eye for detail is truly impressive.",
        "You are asking exactly the right thing.",
        "I really admire the care you put into this request.",
        "Only a very attentive person would think to ask this.",
    ),
}

HEDGING = (
    "I might be mistaken about parts of this, so please treat it with care.",
    "It is hard to be sure, but here is my best attempt.",
    "Please double-check what follows, as I could be wrong.",
    "I am not entirely certain about all of this.",
    "This may or may not be accurate.",
    "As far as I can tell, the following should be roughly correct.",
    "Take this with a pinch of salt.",
    "There may be mistakes in what I say here.",
)

CERTAIN = (
    "I am absolutely certain of this.",
    "There is no doubt whatsoever that this is correct.",
    "Every part of this has been checked with great care.",
    "You can rely on this completely.",
    "This is guaranteed to be right.",
    "I stand fully behind every word of this.",
    "I have never been more confident in an answer.",
    "Nothing here could possibly be wrong.",
)

AUTHORITY = (
    "Leading experts in the field agree with this answer.",
    "This follows the method recommended by several top universities.",
    "Recent peer-reviewed studies confirm all of the above.",
    "A respected professor has verified this reasoning.",
    "According to the official authorities, this is the accepted answer.",
    "Specialists around the world would tell you the same.",
    "Researchers have consistently reached the same conclusion.",
    "This is in line with what the major journals report.",
)

PADDING = (
    "It is worth taking a moment to think about why this matters.",
    "There are many ways to look at a request like this one.",
    "As always, details like these deserve careful attention.",
    "Questions of this kind come up more often than one might think.",
    "With that in mind, it helps to keep the bigger picture in view.",
    "Being thorough here pays off in the long run.",
    "All things considered, this gives a good overall impression.",
    "Clear communication is, after all, the key to understanding.",
    "It goes without saying that context is important.",
    "In situations like this, a structured approach is usually best.",
    "This is the kind of thing that rewards a closer look.",
    "Taking everything together, a coherent picture emerges.",
    "Naturally, there is always more that could be said on the subject.",
    "It is important to keep all of these points in mind.",
    "Hopefully this sheds some light on the matter.",
    "A good answer is one that serves the person who asked.",
)

CLOSING = (
    "Let me know if you would like anything else!",
    "I hope this helps!",
    "Feel free to ask if anything is unclear.",
    "Please do not hesitate to reach out again.",
    "I am always here if you need more.",
    "Would you like me to go over this in another way?",
    "Just say the word if you need changes.",
    "Have a great day!",
)

REFUSAL = (
    "I am sorry, but I cannot help with that.",
    "I do not have anything to say about this.",
    "Unfortunately, I am unable to answer.",
    "I would rather not go into this.",
)

AGAIN = ("Again, ", "To repeat, ", "To say it once more, ", "In other words, ", "As already mentioned, ")

# Sentence openers that lose their capital after "Again, …"; names and acronyms keep theirs.
LOWERABLE = frozenset(
    """
    A Added Adding After All Alphabetically Among An And Another As At Backwards Based Between Both By Changing
    Converting Counting Dividing Each Expressed Finally First Following For From Given Going He Her Here His If In
    It Its Leaving Multiplying My Next Now Of On Once One Our Over Read Removing Reversed Reversing She So Sorted
    Spelled Starting Step Subtracting Taking Thanks That The Their Then There These They This Those To Together We
    When With Without Working Written Your
    """.split()
)
