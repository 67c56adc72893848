"""Questions and answers for the kinds of job in the base domain."""

from __future__ import annotations

from rmbench.worlds.transforms.wording import Wording

BASE = {
    "word_at": Wording(
        ("What is the {nth} word in the list?", "Which word is in {nth} place?", "Tell me the {nth} word."),
        ("the {nth} word in the list", "the word in {nth} place"),
        (
            "The {nth} word is {value}.",
            "In {nth} place is the word {value}.",
            "The word in {nth} position is {value}.",
            "Counting from the start, the {nth} word is {value}.",
            "The {nth} word in your list is {value}.",
            'The {nth} of the words is "{value}".',
        ),
    ),
    "word_count": Wording(
        ("How many words are there?", "How many words does the list have?", "Count the words in the list."),
        ("the number of words in the list", "a count of the words"),
        (
            "There are {value} words in the list.",
            "The list has {value} words.",
            "The number of words is {value}.",
            "In total, the list holds {value} words.",
            "Your list contains {value} words.",
            "Counting the words gives {value}.",
        ),
    ),
    "first_alphabetically": Wording(
        (
            "Which word comes first alphabetically?",
            "Which of the words would be first in a dictionary?",
            "Name the word that is first in alphabetical order.",
        ),
        ("the word that comes first alphabetically", "the word that a dictionary would list first"),
        (
            "The word that comes first alphabetically is {value}.",
            "Alphabetically, the first word is {value}.",
            "In alphabetical order, the first word is {value}.",
            "In a dictionary, the first of these words would be {value}.",
            "Of all the words, the one that comes first in the alphabet is {value}.",
        ),
    ),
    "longest_word": Wording(
        ("Which is the longest word?", "Which word has the most letters?", "Find the longest word in the list."),
        ("the longest word", "the word with the most letters"),
        (
            "The longest word is {value}.",
            "The word with the most letters is {value}.",
            "Of the words in the list, the longest is {value}.",
            "Your longest word is {value}.",
            "The longest word in the list is {value}.",
            'Counting letters, the longest word is "{value}".',
        ),
    ),
    "reverse_words": Wording(
        ("Give the list of words in reverse order.", "What does the word list look like backwards, last word first?"),
        ("the words in reverse order", "the word list from last to first"),
        (
            "In reverse order, the words are {value}.",
            "Reversed, the list of words is {value}.",
            "From last to first, the words are {value}.",
            "Reversing the list of words gives {value}.",
            "The words in reverse order are {value}.",
            "The list of words turned around reads {value}.",
        ),
    ),
    "sort_words": Wording(
        (
            "Put the words in alphabetical order.",
            "Sort the words from A to Z.",
            "What is the list in alphabetical order?",
        ),
        ("the words in alphabetical order", "the words sorted from A to Z"),
        (
            "In alphabetical order, the words are {value}.",
            "Sorted from A to Z, the words are {value}.",
            "Alphabetically, the words run {value}.",
            "The words in alphabetical order are {value}.",
            "Sorted alphabetically, the list of words is {value}.",
            "The alphabetical list of words is {value}.",
        ),
    ),
    "upper_case": Wording(
        ("Write the {nth} word in capital letters.", "What is the {nth} word in upper case?"),
        ("the {nth} word in capital letters", "the {nth} word in upper case"),
        (
            "In capital letters, the {nth} word is {value}.",
            "The {nth} word in upper case is {value}.",
            "Written in capitals, the {nth} word is {value}.",
            "In upper case, the {nth} word becomes {value}.",
            "The {nth} word in capital letters reads {value}.",
        ),
    ),
    "sort_numbers": Wording(
        (
            "Sort the numbers from smallest to largest.",
            "Put the numbers in ascending order.",
            "What are the numbers in order, starting with the smallest?",
        ),
        ("the numbers from smallest to largest", "the numbers in ascending order"),
        (
            "Sorted, the numbers are {value}.",
            "In ascending order, the numbers are {value}.",
            "From smallest to largest, the numbers are {value}.",
            "Sorted from low to high, the numbers are {value}.",
            "The numbers in ascending order are {value}.",
            "The sorted list of numbers is {value}.",
        ),
    ),
    "largest_number": Wording(
        ("Which number is the largest?", "What is the largest number?", "Find the biggest number."),
        ("the largest number", "the biggest of the numbers"),
        (
            "The largest number is {value}.",
            "The biggest number in the list is {value}.",
            "Of all the numbers, the largest is {value}.",
            "The highest of the numbers is {value}.",
            "Among the numbers, the biggest is {value}.",
        ),
    ),
    "sum_first_two": Wording(
        (
            "What is the sum of the first two numbers?",
            "Add the first two numbers.",
            "What do the first two numbers add up to?",
        ),
        ("the sum of the first two numbers", "the first two numbers added together"),
        (
            "The sum of the first two numbers is {value}.",
            "Adding the first two numbers gives {value}.",
            "The first two numbers add up to {value}.",
            "Added together, the first two numbers make {value}.",
            "The first two numbers have a sum of {value}.",
            "Together, the first two numbers come to {value}.",
        ),
    ),
    "backwards": Wording(
        ('Spell "{word}" backwards.', 'What is "{word}" spelled backwards?', 'How do you write "{word}" in reverse?'),
        ('"{word}" spelled backwards', 'the spelling of "{word}" in reverse'),
        (
            'Spelled backwards, "{word}" is "{value}".',
            'Reversing "{word}" gives "{value}".',
            'Read from right to left, "{word}" becomes {value}.',
            'Written backwards, "{word}" is {value}.',
            'Backwards, "{word}" reads "{value}".',
            'The reverse of "{word}" is "{value}".',
        ),
    ),
    "letter_count": Wording(
        (
            'How many letters are there in "{word}"?',
            'How many letters does "{word}" have?',
            'Count the letters in "{word}".',
        ),
        ('the number of letters in "{word}"', 'how many letters "{word}" has'),
        (
            'In "{word}" there are {value} letters.',
            'The word "{word}" has {value} letters.',
            'The number of letters in "{word}" is {value}.',
            'Counting the letters in "{word}" gives {value}.',
            'The word "{word}" is made up of {value} letters.',
        ),
    ),
    "weekday_after": Wording(
        ("What day of the week is {days} days after {start}?", "Which weekday comes {days} days after {start}?"),
        ("the day of the week {days} days after {start}", "the weekday that falls {days} days after {start}"),
        (
            "The day {days} days after {start} is a {value}.",
            "Counting {days} days on from {start} brings us to {value}.",
            "The weekday {days} days after {start} is {value}.",
            "If you start on {start}, {days} days later it is {value}.",
            "Going {days} days forward from {start} leads to {value}.",
        ),
    ),
    "date_after": Wording(
        ("What is the date {days} days after {start}?", "Which date falls {days} days after {start}?"),
        ("the date {days} days after {start}", "the date that falls {days} days after {start}"),
        (
            "The date {days} days after {start} is {value}.",
            "Counting {days} days on from {start} gives {value}.",
            "If you add {days} days to {start}, you get {value}.",
            "Adding {days} days to {start} gives {value}.",
            "Going {days} days forward from {start} leads to {value}.",
        ),
    ),
    "days_between": Wording(
        ("How many days after {start} is {end}?", "If today is {start}, how many days is it until {end}?"),
        ("the number of days from {start} until {end}", "how many days after {start} the date {end} falls"),
        (
            "From {start} to {end} it is {value} days.",
            "The number of days from {start} until {end} is {value}.",
            "Counting from {start}, the wait until {end} is {value} days.",
            "If today is {start}, the time until {end} is {value} days.",
            "Going from {start} to {end} takes {value} days.",
        ),
    ),
    "time_after": Wording(
        (
            "What time is it {minutes} minutes after {start}?",
            "If it is {start} now, what time will it be in {minutes} minutes?",
        ),
        ("the time {minutes} minutes after {start}", "the time of day {minutes} minutes later than {start}"),
        (
            "The time {minutes} minutes after {start} is {value}.",
            "If you add {minutes} minutes to {start}, you get {value}.",
            "Adding {minutes} minutes to {start} gives {value}.",
            "If it is {start} now, in {minutes} minutes it will be {value}.",
            "Starting at {start}, {minutes} minutes later it is {value}.",
        ),
    ),
    "convert": Wording(
        (
            "What is {amount} {unit} in {target}?",
            "Convert {amount} {unit} to {target}.",
            "How many {target} are there in {amount} {unit}?",
        ),
        ("{amount} {unit} in {target}", "how many {target} there are in {amount} {unit}"),
        (
            "In {target}, {amount} {unit} is {value}.",
            "Converting {amount} {unit} to {target} gives {value}.",
            "In {amount} {unit} there are {value} {target}.",
            "Expressed in {target}, {amount} {unit} is {value}.",
            "The value of {amount} {unit} in {target} is {value}.",
        ),
    ),
}
