"""What is written and what is said of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tts.pipeline.text import has_words, speakable

SAID = {
    "numbers": [
        ("1,234,567 people", "one million two hundred and thirty-four thousand five hundred and"
         " sixty-seven people"),
        ("It is -3.14.", "It is minus three point one four."),
        ("Agent 007", "Agent zero zero seven"),
        ("the 22nd and the 101st", "the twenty-second and the one hundred and first"),
        ("½ cup, 3/4 full, 2 1/2", "a half cup, three quarters full, two and a half"),
        ("pages 10-20", "pages ten to twenty"),
        ("open 24/7", "open twenty-four seven"),
        ("version 1.2.3", "version one point two point three"),
        ("a 3-year-old", "a three-year-old"),
        ("GPT4 and R2D2", "GPT four and R two D two"),
        ("12345678901234567890", "one two three four five six seven eight nine zero one two three"
         " four five six seven eight nine zero"),
        ("call 555-123-4567", "call five five five, one two three, four five six seven"),
        ("+1 (415) 555-2671", "plus one, four one five, five five five, two six seven one"),
        ("#1 fan", "number one fan"),
        ("7×8 = 56", "seven times eight equals fifty-six"),
        ("3 < 5 & 2 * 2", "three is less than five and two times two"),
    ],
    "money": [
        ("$5", "five dollars"),
        ("$1.00 and $1.01", "one dollar and one dollar and one cent"),
        ("$0.99 or 99¢", "ninety-nine cents or ninety-nine cents"),
        ("€1.2 million", "one point two million euros"),
        ("-£3k", "minus three thousand pounds"),
        ("5 USD, 20 EUR", "five US dollars, twenty euros"),
        ("$5-$10 or $5-10", "five dollars to ten dollars or five to ten dollars"),
        ("¥500", "five hundred yen"),
    ],
    "dates": [
        ("on 2024-03-05", "on March fifth, twenty twenty-four"),
        ("on 3/5/2024", "on March fifth, twenty twenty-four"),
        ("March 5, 2024", "March fifth, twenty twenty-four"),
        ("5 Jan. 1999", "January fifth, nineteen ninety-nine"),
        ("in 1905 and 2007", "in nineteen oh five and two thousand and seven"),
        ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
        ("1984-1990", "nineteen eighty-four to nineteen ninety"),
        ("Mon, Feb 3", "Monday, February third"),
    ],
    "times": [
        ("at 14:30", "at fourteen thirty"),
        ("at 3:05 pm", "at three oh five P M"),
        ("at 9am.", "at nine A M."),
        ("from 5 p.m. on", "from five P M on"),
        ("10:00", "ten o'clock"),
        ("2024-03-05T08:15Z", "March fifth, twenty twenty-four, eight fifteen U T C"),
    ],
    "units": [
        ("5km in 1 h", "five kilometres in one hour"),
        ("72°F, -5 °C", "seventy-two degrees Fahrenheit, minus five degrees Celsius"),
        ("10-20 kg at 60 mph", "ten to twenty kilograms at sixty miles per hour"),
        ("5% of 3GB", "five percent of three gigabytes"),
        ("6'2\" tall", "six foot two tall"),
        ("1 lb, 2 lbs", "one pound, two pounds"),
        ("221B Baker St.", "two hundred and twenty-one B Baker Street"),
    ],
    "abbreviations": [
        ("Dr. Lee met Mrs. Ray.", "Doctor Lee met Missus Ray."),
        ("fruit, e.g. apples, etc. The end", "fruit, for example apples, et cetera. The end"),
        ("St. Paul on Main St.", "Saint Paul on Main Street"),
        ("the U.S. army", "the U S army"),
        ("No. 5, vol. 2", "number five, volume two"),
    ],
    "addresses": [
        ("See https://www.example.com/a-b?x=1.", "See example dot com slash a dash b."),
        ("mail bob.lee@example.co.uk!", "mail bob dot lee at example dot co dot uk!"),
        ("visit example.org/docs", "visit example dot org slash docs"),
    ],
    "markdown": [
        ("**Bold**, _it_, ~~no~~ and `code`", "Bold, it, no and code"),
        ("[the docs](http://x.y/z)", "the docs"),
        ("# Title\n- one\n- [x] two\n> three", "Title. one. two. three"),
        ("| a | b |\n|---|---|\n| c | d |", "a, b. c, d"),
        ("```python\nrun\n```", "run"),
        ("snake_case stays", "snake_case stays"),
        ("<b>Hi</b> &amp; bye", "Hi and bye"),
    ],
    "marks": [
        ("Hello 😊 world... really?!!", "Hello world, really?!"),
        ("one — two -- three", "one, two, three"),
        ("line one\nline two", "line one. line two"),
        ("“Quoted”, it’s", '"Quoted", it\'s'),
        ("zero\u200bwidth \x07bell \ud800lone", "zerowidth bell lone"),
        ("𝗯𝗼𝗹𝗱 letters", "bold letters"),
    ],
}  # fmt: skip
CASES = [
    pytest.param(*case, id=f"{kind}-{case[0]}") for kind, cases in SAID.items() for case in cases
]


@pytest.mark.parametrize(("written", "said"), CASES)
def test_english_is_put_into_words(written: str, said: str) -> None:
    assert speakable(written).text == said


@pytest.mark.parametrize(
    ("written", "language", "said"),
    [
        ("Es kostet 5,50 € am 3.10.2024.", "de", "Es kostet 5,50 € am 3.10.2024."),
        ("**Hola** [mundo](http://x.y) 😊", "es", "Hola mundo"),
        ("Siehe https://www.example.de/pfad?x=1", "de", "Siehe example.de"),
        ("你好，世界！今天3点。", "zh", "你好，世界！今天3点。"),
        ("می‌خواهم", "fa", "می‌خواهم"),
    ],
)
def test_other_languages_are_only_cleaned(written: str, language: str, said: str) -> None:
    assert speakable(written, language).text == said


def test_british_english_reads_the_day_first() -> None:
    assert speakable("3/5/2024", "en-GB").text == "May third, twenty twenty-four"


@pytest.mark.parametrize(
    "nothing", ["", "  \n\t", "😊🎉", "...", "---", "\x00\x01", "**", "\ud800"]
)
def test_nothing_to_say_is_empty(nothing: str) -> None:
    assert speakable(nothing).text == ""
    assert not has_words(nothing) or nothing.isspace()


def test_emoji_are_named_when_asked() -> None:
    assert speakable("👍🏽", name_emoji=True).text == "thumbs up sign"


def test_words_point_to_what_was_written() -> None:
    written = "Pay **$5.50** by 2024-03-05."
    spoken = speakable(written, offset=100)
    start = spoken.text.index("dollars")
    assert spoken.origin(start, start + len("dollars")) == (106, 111)
    assert written[6:11] == "$5.50"
    start = spoken.text.index("March")
    first, last = spoken.origin(start, start + 5)
    assert written[first - 100 : last - 100] == "2024-03-05"


@given(st.text(max_size=200), st.sampled_from(["en", "en-GB", "de", None]))
def test_any_text_is_survived_and_its_map_is_ordered(text: str, language: str | None) -> None:
    spoken = speakable(text, language)
    assert len(spoken.starts) == len(spoken.ends) == len(spoken.text)
    assert list(spoken.starts) == sorted(spoken.starts)
    assert list(spoken.ends) == sorted(spoken.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(spoken.starts, spoken.ends, strict=True))
    spoken.text.encode()


@given(st.text(alphabet="0123456789.,:/-$%€ kmst'\"#*|_()<>&", max_size=60))
def test_any_jumble_of_figures_is_survived(text: str) -> None:
    speakable(text)
