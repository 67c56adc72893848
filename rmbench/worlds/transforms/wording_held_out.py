"""Questions and answers for the kinds of job in the held-out domain, which no training prompt may use."""

from __future__ import annotations

from rmbench.worlds.transforms.wording import Wording

HELD_OUT = {
    "word_from_end": Wording(
        (
            "Counting from the end, what is the {nth} word?",
            "Which word is {nth} if you count from the end of the list?",
        ),
        ("the {nth} word, counted from the end", "the word that is {nth} from the end (the last word counts as first)"),
        (
            "Counting from the end, the {nth} word is {value}.",
            "The {nth} word, counted from the end, is {value}.",
            "If you count from the end, the {nth} word is {value}.",
            "From the end of the list, the {nth} word is {value}.",
            "In {nth} place from the end is the word {value}.",
        ),
    ),
    "last_alphabetically": Wording(
        ("Which word comes last alphabetically?", "Which of the words would a dictionary list last?"),
        ("the word that comes last alphabetically", "the word nearest to the end of the alphabet"),
        (
            "The word that comes last alphabetically is {value}.",
            "Alphabetically, the last word is {value}.",
            "In a dictionary, the last of these words would be {value}.",
            "In alphabetical order, the last word is {value}.",
            "Of all the words, the one that is last in the alphabet is {value}.",
        ),
    ),
    "shortest_word": Wording(
        ("Which is the shortest word?", "Which word has the fewest letters?"),
        ("the shortest word", "the word with the fewest letters"),
        (
            "The shortest word is {value}.",
            "The word with the fewest letters is {value}.",
            "Of the words in the list, the shortest is {value}.",
            "Counting letters, the shortest word is {value}.",
            "Your shortest word is {value}.",
        ),
    ),
    "first_letters": Wording(
        ("What are the first letters of the words, in order?", "List the first letter of each word in the list."),
        ("the first letter of each word in the list", "the first letters of the words, in order"),
        (
            "The first letters of the words are {value}.",
            "In order, the words begin with {value}.",
            "The words start with the letters {value}.",
            "Taking the first letter of each word gives {value}.",
            "In order, the first letters are {value}.",
        ),
    ),
    "sort_numbers_down": Wording(
        ("Sort the numbers from largest to smallest.", "Put the numbers in descending order."),
        ("the numbers from largest to smallest", "the numbers in descending order"),
        (
            "In descending order, the numbers are {value}.",
            "From largest to smallest, the numbers are {value}.",
            "Sorted from high to low, the numbers are {value}.",
            "The numbers in descending order are {value}.",
            "Starting with the largest, the numbers are {value}.",
        ),
    ),
    "range_of_numbers": Wording(
        (
            "What is the difference between the largest and the smallest number?",
            "How far apart are the largest and the smallest number?",
        ),
        (
            "the difference between the largest and the smallest number",
            "the gap between the largest and the smallest number",
        ),
        (
            "The difference between the largest and the smallest number is {value}.",
            "The largest and the smallest number differ by {value}.",
            "Subtracting the smallest number from the largest gives {value}.",
            "Between the largest and the smallest number there is a gap of {value}.",
            "The largest number exceeds the smallest by {value}.",
        ),
    ),
    "even_numbers": Wording(
        ("Which of the numbers are even?", "List the even numbers."),
        ("the even numbers", "those numbers in the list that are even"),
        (
            "The even numbers are {value}.",
            "Of the numbers in the list, the even ones are {value}.",
            "The numbers that can be divided by two are {value}.",
            "Among the numbers, the even ones are {value}.",
            "The even numbers in your list are {value}.",
        ),
    ),
    "vowel_count": Wording(
        (
            'How many vowels (a, e, i, o, u) are there in "{word}"?',
            'Counting repeats, how many vowels does "{word}" contain?',
        ),
        ('the number of vowels in "{word}", counting repeats', 'how many of the letters in "{word}" are vowels'),
        (
            'The number of vowels in "{word}" is {value}.',
            'In "{word}", the vowel count is {value}.',
            'Counting the vowels in "{word}" gives {value}.',
            'The vowel count of the word "{word}" is {value}.',
            'As for vowels, the number in "{word}" is {value}.',
        ),
    ),
    "drop_last_letter": Wording(
        ('What is left of "{word}" without its last letter?', 'Remove the last letter of "{word}".'),
        ('"{word}" without its last letter', 'what remains of "{word}" when the last letter is removed'),
        (
            'Without its last letter, "{word}" is "{value}".',
            'Removing the last letter of "{word}" leaves "{value}".',
            'The word "{word}" without its last letter is {value}.',
            'Taking the last letter off "{word}" leaves {value}.',
            'If you drop the last letter of "{word}", you get "{value}".',
        ),
    ),
    "middle_letter": Wording(
        ('What is the middle letter of "{word}"?', 'Which letter is in the middle of "{word}"?'),
        ('the middle letter of "{word}"', 'the letter in the very middle of "{word}"'),
        (
            'The middle letter of "{word}" is {value}.',
            'In the middle of "{word}" is the letter {value}.',
            'The letter in the middle of "{word}" is "{value}".',
            'At the centre of "{word}" is the letter "{value}".',
            'The word "{word}" has as its middle letter {value}.',
        ),
    ),
    "weekday_before": Wording(
        ("What day of the week is {days} days before {start}?", "Which weekday was it {days} days before a {start}?"),
        ("the day of the week {days} days before {start}", "the weekday that falls {days} days before {start}"),
        (
            "The day {days} days before {start} is a {value}.",
            "Counting {days} days back from {start} brings us to {value}.",
            "The weekday {days} days before {start} is {value}.",
            "Going {days} days back from {start} leads to {value}.",
            "If you go back {days} days from {start}, you reach {value}.",
        ),
    ),
    "date_before": Wording(
        ("What is the date {days} days before {start}?", "Which date falls {days} days before {start}?"),
        ("the date {days} days before {start}", "the date that falls {days} days before {start}"),
        (
            "The date {days} days before {start} is {value}.",
            "Counting {days} days back from {start} gives {value}.",
            "Subtracting {days} days from {start} gives {value}.",
            "Going {days} days back from {start} leads to {value}.",
            "If you go back {days} days from {start}, you reach {value}.",
        ),
    ),
    "time_before": Wording(
        (
            "What time is it {minutes} minutes before {start}?",
            "If it is {start} now, what time was it {minutes} minutes ago?",
        ),
        ("the time {minutes} minutes before {start}", "the time of day {minutes} minutes earlier than {start}"),
        (
            "The time {minutes} minutes before {start} is {value}.",
            "Subtracting {minutes} minutes from {start} gives {value}.",
            "If it is {start} now, {minutes} minutes ago it was {value}.",
            "Going {minutes} minutes back from {start} leads to {value}.",
            "If you go back {minutes} minutes from {start}, you reach {value}.",
        ),
    ),
    "convert_back": Wording(
        ("Express {amount} {unit} in {target}.", "How many {target} make up {amount} {unit}?"),
        ("{amount} {unit} expressed in {target}", "how many {target} make up {amount} {unit}"),
        (
            "Expressed in {target}, {amount} {unit} is {value}.",
            "The total of {amount} {unit} amounts to {value} {target}.",
            "When you turn {amount} {unit} into {target}, you get {value}.",
            "Changing {amount} {unit} into {target} gives {value}.",
            "In {target}, {amount} {unit} comes to {value}.",
        ),
    ),
}
