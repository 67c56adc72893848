"""Other words for the same: a small bank of our own, each pair safe in the sentences of its world.

Words that a constraint may count or name are never put in or taken out of an answer to `instructions`; there only the
request is reworded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from rmbench.recipes.changes.base import Case, Change, in_turn, on_both, on_prompt

IN_PROMPT, IN_ANSWER = 2, 1  # phrases that must change
_RECORD_ASKS = {
    "Summarise this": "Sum up this",
    "in at most": "in no more than",
    "of no more than": "of at most",
    "add nothing else": "add nothing beyond that",
    "State every field": "Mention every field",
    "brief": "short",
    "short": "brief",
    "using every fact in the record and only those": "with every fact in the record and no others",
    "or fewer": "or less",
    "nothing it does not say": "nothing beyond that",
    "I need": "I want",
    "a summary of": "an outline of",
    "covers all fields": "mentions all fields",
    "invents nothing": "makes nothing up",
    "Please turn": "Please make",
}
_RECORD_SAYS = {
    "lives in": "resides in",
    "is based in": "lives in",
    "works as": "is employed as",
    "is keen on": "is fond of",
    "is fluent in": "speaks fluent",
    "sits at": "has a seat at",
    "is known for": "is famous for",
    "stands on": "is located on",
    "can be found on": "is situated on",
    "guests": "visitors",
    "stays shut": "remains closed",
    "is closed": "is not open",
    "was written by": "was authored by",
    "appeared in": "came out in",
    "was published in": "was released in",
    "runs to": "comes to",
    "takes place in": "is set in",
    "is divided into": "is split into",
    "takes place on": "is happening on",
    "will be held on": "will take place on",
    "starts at": "begins at",
    "begins at": "starts at",
    "is held at": "takes place at",
    "lasts": "runs for",
    "goes on for": "continues for",
    "is organised by": "is arranged by",
    "is devoted to": "is dedicated to",
    "costs": "is priced at",
    "covers": "measures",
    "lies on": "is located on",
    "was built in": "was constructed in",
    "becomes available": "becomes free",
    "happens to be": "is",
    "loves": "adores",
    "is mad about": "is crazy about",
    "arrived on": "came in on",
    "is looked after by": "is cared for by",
    "sleeps in": "is kept in",
    "The place": "The establishment",
    "The flat": "The apartment",
    "The apartment": "The flat",
    "The book": "The novel",
    "The novel": "The book",
    "The animal": "The pet",
    "This colleague": "This co-worker",
    "Our colleague": "Our co-worker",
}
_STORY_ASKS = {
    "Show each step": "Write down each step",
    "show every step": "write down every step",
    "check": "verify",
    "by working backwards": "by going backwards",
    "by going backwards": "by working backwards",
    "by doing it in reverse": "by doing it backwards",
    "the opposite operation": "the inverse operation",
    "Work through it step by step": "Go through it step by step",
    "Show your working": "Show your work",
    "a reverse check of the final one": "a reverse check of the last one",
    "In the end": "At the end",
    "in the end": "at the end",
    "at this point": "by now",
    "After all this": "After all of that",
}
_STORY_SAYS = {
    "To start": "To begin with",
    "First": "To begin with",
    "Next": "After that",
    "Then": "Next",
    "To check the last step": "To verify the last step",
    "Working backwards": "Going backwards",
    "As a check": "To be on the safe side",
    "In reverse": "Backwards",
    "going back the other way": "working backwards",
    "Going back the other way": "Working backwards",
    "can be checked with": "can be verified with",
    "We can undo the last step": "We can reverse the last step",
    "reverse check": "backward check",
    "The final answer": "The final result",
    "a final answer": "a final result",
    "This means that": "So",
    "My answer is that": "I conclude that",
    "In the end": "At the end",
    "in the end": "at the end",
    "the number goes up": "the number rises",
    "the number goes down": "the number falls",
    "we need to multiply": "we have to multiply",
    "we need to divide": "we have to divide",
    "which fits": "which agrees",
    "as it should be": "as it ought to be",
    "so the last step holds": "so the last step is right",
}
_LETTER_ASKS = {
    "Write a": "Compose a",
    "Write an": "Compose an",
    "Please write": "Please compose",
    "Can you write": "Could you write",
    "I need": "I want",
    "short": "brief",
    "Say that": "State that",
    "It should say that": "It should state that",
    "Make clear that": "Make it clear that",
    "Points to cover": "Points to include",
    "Details to mention": "Details to include",
    "Please follow these rules": "Please keep to these rules",
    "Use at most": "Use no more than",
    "No more than": "At most",
    "Use at least": "Use no fewer than",
    "Use the word": "Put in the word",
    "Include the word": "Put in the word",
    "must appear": "has to appear",
    "Do not use any commas": "Avoid any commas",
    "Do not use exclamation marks": "Avoid exclamation marks",
    "Do not use the word": "Avoid the word",
    "Avoid the word": "Do not use the word",
    "Avoid commas altogether": "Avoid all commas",
    "Begin with": "Start with",
    "End with": "Finish with",
    "Finish with": "End with",
    "somewhere": "at some point",
    "Do not ask any questions": "Ask no questions",
    "Add a PS": "Put in a PS",
    "should have exactly": "must have exactly",
}
_JOB_ASKS = {
    "largest": "biggest",
    "add up to": "come to",
    "the sum of": "the total of",
    "spelled backwards": "written backwards",
    "comes first alphabetically": "comes first in the alphabet",
    "has the most letters": "has the largest number of letters",
    "Please tell me": "Please let me know",
    "I would like to know": "I want to know",
    "in full sentences": "in complete sentences",
    "full sentences": "complete sentences",
    "Answer each question": "Reply to each question",
    "Work through": "Go through",
    "small jobs": "little jobs",
    "in reverse order": "in the opposite order",
    "what time will it be": "what will the time be",
    "Count the words": "Say how many words there are",
    "Use the data below": "Take the data below",
    "Could you check": "Could you look at",
    "can you help me out": "could you help me out",
}
_JOB_SAYS = {
    "largest": "biggest",
    "biggest": "largest",
    "smallest to largest": "lowest to highest",
    "Spelled backwards": "Written backwards",
    "Added together": "Taken together",
    "leads to": "brings us to",
    "brings us to": "leads to",
    "Counting from the start": "Counting from the beginning",
    "turned around": "reversed",
    "in capital letters": "in capitals",
    "In capital letters": "In capitals",
    "in upper case": "in capital letters",
    "In upper case": "In capital letters",
    "highest": "greatest",
    "gives": "yields",
    "becomes": "turns into",
    "is made up of": "consists of",
    "have a sum of": "add up to",
    "add up to": "come to",
    "contains": "has",
    "holds": "has",
    "In reverse order": "In the opposite order",
    "in reverse order": "in the opposite order",
    "From last to first": "Last to first",
    "the longest is": "the longest one is",
    "you get": "the result is",
    "it will be": "it is going to be",
    "comes first alphabetically": "comes first in the alphabet",
    "In alphabetical order": "By the alphabet",
}
ASKS: Mapping[str, Mapping[str, str]] = {
    "records": _RECORD_ASKS,
    "arithmetic": _STORY_ASKS,
    "instructions": _LETTER_ASKS,
    "transforms": _JOB_ASKS,
}
SAYS: Mapping[str, Mapping[str, str]] = {"records": _RECORD_SAYS, "arithmetic": _STORY_SAYS, "transforms": _JOB_SAYS}


def reworded(text: str, bank: Mapping[str, str], least: int) -> str | None:
    """The text with the phrases of the bank in other words; None where fewer than `least` of them are in it."""
    longest = sorted(bank, key=len, reverse=True)
    found = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
    changed, count = found.subn(lambda m: bank[m.group()], text)
    return changed if count >= least else None


def _prompt(case: Case, _rng: Random) -> str | None:
    return reworded(case.prompt.text, ASKS[case.world.name], IN_PROMPT)


def _answer(case: Case, index: int, _rng: Random) -> str | None:
    bank = SAYS.get(case.world.name)
    return reworded(case.texts[index], bank, IN_ANSWER) if bank else None


CHANGES = (Change("synonyms", "both", in_turn(on_prompt(_prompt), on_both(_answer))),)
