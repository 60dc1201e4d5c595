"""The sentences the tiny Whisper knows: a closed vocabulary and the ways to combine it."""

from __future__ import annotations

import random
import re


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DIGITS = _words("zero one two three four five six seven eight nine")
TEENS = _words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
ORDINALS = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)
WEEKDAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = _words(
    "January February March April May June July August September October November December"
)
LETTERS = _words("B F H J K L M Q W X Z")
"""Spelled letters that stay apart on a telephone line (no D, N, P, S, T, V)."""
NATO = _words(
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar "
    "papa quebec romeo sierra tango uniform victor whiskey yankee zulu"
)
CITIES = _words(
    "Paris London Berlin Madrid Rome Vienna Lisbon Dublin Oslo Chicago Boston Denver Seattle "
    "Dallas Atlanta Miami Toronto Tokyo Sydney Singapore Dubai Cairo"
)
NAMES = _words(
    "Anna Peter Maria Thomas Sarah David Laura Martin Emma Robert Julia Daniel Sophie Michael "
    "Oliver Alice Henry Victoria Walter Nancy"
)
SURNAMES = _words("Smith Johnson Miller Baker Cooper Taylor Wilson Fischer Garcia Brown")
DAYTIMES = _words("morning afternoon evening")
DAYPARTS = ("in the morning", "in the afternoon", "in the evening", "at night", "at noon")
DAYS = ("today", "tomorrow", "tonight", "next week", "on Monday", "this weekend")

SHORT = """
yes|no|yes please|no thanks|no thank you|yeah|nope|sure|of course|exactly|correct|uh-huh|mm-hmm
okay|right|all right|good|great|perfect|fine|that's right|that's correct|that is wrong
I see|got it|really|wow|oh|well|hmm|stop|wait|wait a moment|hold on|stop please|please stop
please wait|one moment please|just a second|be quiet|never mind|go on|go ahead|continue
hello|hi|hello there|hey|good morning|good afternoon|good evening|good night|goodbye|bye
thanks|thank you|thank you very much|you're welcome|sorry|I'm sorry|excuse me|pardon|help
repeat that|say that again|can you repeat that|speak up please|slower please|louder please
""".replace("\u00ad", "").replace("\n", "|")

TEMPLATES = """
hello my name is {name}|hi this is {name} {surname}|my name is {name} {surname}
good {daytime} I want to book a flight|I would like to book a flight to {city}
I want to fly from {city} to {city}|I need a flight from {city} to {city} on {weekday}
book me a flight to {city} on the {ordinal} of {month}|I would like to leave on {weekday} {daypart}
I need two tickets to {city} please|{number} tickets please|we are {digit} people
is there a flight to {city} {daypart}|are there any seats left on {weekday}
I want to travel on {month} {ordinal}|the {ordinal} of {month} please|on {weekday} the {ordinal}
my flight number is {code}|the code is {code}|my booking code is {code}|{code}
my reservation is {code}|please cancel my flight to {city}|please cancel flight {code}
I want to change my booking|can I change my flight to {weekday}|can I have a window seat please
I prefer a seat on the aisle|first class please|business class or economy
how much does the ticket cost|how much is a flight to {city}|it costs {number} dollars
that is too expensive|do you have something cheaper|I will pay with my credit card
the total is {number} dollars|my phone number is {phone}|call me at {phone}|{phone}|{number}
what's the weather|what's the weather like in {city}|what is the weather like {day}
will it rain {day}|is it cold in {city}|it is sunny in {city} {day}
what time is it|what time does the flight leave|when does the train arrive in {city}
the train to {city} leaves at {time}|the flight leaves at {time}|it arrives at {time}
wake me up at {time}|set a timer for {number} minutes|set an alarm for {time}
remind me to call {name} {day}|send a message to {name}|call {name} {surname} please
tell me a story|tell me a joke about a dog|play some music|turn on the light in the kitchen
turn off the light please|open the window|close the door|what is your name|how are you
I am fine thank you|how old are you|who are you|where are you from|I am from {city}
where is the nearest hotel|I need a room for {digit} nights|is breakfast included
can you help me|can you tell me more about {city}|I don't understand|I do not know
what did you say|I have a question about my bag|I lost my passport at the airport
my suitcase is very heavy|can I take my dog with me|I am waiting for my friend {name}
I have to be there before {time}|does that flight have a meal|I would like a coffee please
let me think about it|no I said {city}|no I meant {weekday}|wait I want to say something
stop I need to change that|actually make it {weekday}|actually I want to go to {city}
how long is the flight from {city} to {city}|it takes about {digit} hours
what is {number} plus {number}|count from {digit} to {digit}|today is {weekday}
yes {weekday} is fine|yes that is right|okay thank you goodbye|thanks for your help
{name} and {name} will come with me|we want to stay until {weekday}|see you {day}
""".replace("\n", "|")

SALAD_EXCLUDED = frozenset(
    _words("to too for no know oh I a an the see you you're your are november") + LETTERS
)
"""Words left out of random sequences: without a sentence around them they have homophones."""


def _alternatives(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())


_SHORT = tuple(dict.fromkeys(_alternatives(SHORT)))
_TEMPLATES = _alternatives(TEMPLATES)
_SLOT = re.compile(r"\{(\w+)\}")


def number(rng: random.Random) -> str:
    """A number from 0 to 999 in words."""
    kind = rng.random()
    if kind < 0.25:
        return rng.choice(DIGITS[1:])
    if kind < 0.45:
        return rng.choice(TEENS)
    tens = rng.choice(TENS)
    below = f"{tens} {rng.choice(DIGITS[1:])}" if rng.random() < 0.6 else tens
    return below if kind < 0.8 else f"{rng.choice(DIGITS[1:])} hundred {below}"


def _code(rng: random.Random) -> str:
    letters = LETTERS if rng.random() < 0.5 else NATO
    head = rng.choices(letters, k=rng.randint(1, 3))
    return " ".join(head + rng.choices(DIGITS, k=rng.randint(2, 4)))


def _ordinal(rng: random.Random) -> str:
    day = rng.randint(1, 31)
    if day <= 20:
        return ORDINALS[day - 1]
    if day == 30:
        return "thirtieth"
    return f"{'twenty' if day < 30 else 'thirty'} {ORDINALS[day % 10 - 1]}"


def _time(rng: random.Random) -> str:
    return f"{rng.choice(DIGITS[1:] + TEENS[:3])} {rng.choice(_MINUTES)}"


def _phone(rng: random.Random) -> str:
    return " ".join(rng.choices(DIGITS, k=rng.randint(4, 7)))


_MINUTES = ("o'clock", "thirty", "fifteen", "forty five", "in the morning", "twenty")
_CHOICES = {
    "name": NAMES,
    "surname": SURNAMES,
    "city": CITIES,
    "weekday": WEEKDAYS,
    "month": MONTHS,
    "digit": DIGITS,
    "daytime": DAYTIMES,
    "daypart": DAYPARTS,
    "day": DAYS,
}
_MAKERS = {"number": number, "code": _code, "ordinal": _ordinal, "time": _time, "phone": _phone}


def _slot(kind: str, rng: random.Random) -> str:
    return _MAKERS[kind](rng) if kind in _MAKERS else rng.choice(_CHOICES[kind])


def _templated(rng: random.Random) -> str:
    return _SLOT.sub(lambda slot: _slot(slot[1], rng), rng.choice(_TEMPLATES))


def vocabulary() -> tuple[str, ...]:
    """Every word the grammar can say, sorted."""
    lists = (*_CHOICES.values(), TEENS, TENS, ORDINALS, LETTERS, NATO, _MINUTES, ("hundred",))
    texts = [text for texts in (*lists, _SHORT, _TEMPLATES) for text in texts]
    return tuple(sorted({word for text in texts for word in _SLOT.sub(" ", text).split()}))


_SALAD = tuple(word for word in vocabulary() if word not in SALAD_EXCLUDED)


def sentence(rng: random.Random) -> tuple[str, ...]:
    """One utterance as words: a sentence, a short answer, digits, or random words.

    Random words keep the decoder listening: it cannot guess them from what came before.
    """
    kind = rng.random()
    if kind < 0.55:
        text = _templated(rng)
    elif kind < 0.73:
        text = rng.choice(_SHORT)
    elif kind < 0.83:
        text = " ".join(rng.choices(DIGITS, k=rng.randint(1, 5)))
    else:
        text = " ".join(rng.choices(_SALAD, k=rng.randint(1, 6)))
    return tuple(text.split())
