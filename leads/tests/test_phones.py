"""A number is read exactly as written, or refused: no digit is added or lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from leads.phones import REASONS, NotAPhone, group, mask, normalise

NBSP, THIN, NARROW, ZERO_WIDTH, BOM = "\xa0", "\u2009", "\u202f", "\u200b", "\ufeff"

SPELLINGS = {
    "612345678": [
        "612345678",
        "612 34 56 78",
        "612 345 678",
        "612-345-678",
        "612.345.678",
        "612.34.56.78",
        "  612345678\t",
        "612345678\r\n",
        "0034612345678",
        "00 34 612 345 678",
        "0034-612-345-678",
        "+34612345678",
        "+34 612 34 56 78",
        "+ 34 612 345 678",
        "(+34) 612 345 678",
        "(0034) 612 345 678",
        "34612345678",
        "34 612 345 678",
        "612345678.0",
        "612345678,0",
        "612345678.00",
        "34612345678.0",
        "'612345678",
        "'+34612345678",
        "’612345678",
        f"612{NBSP}345{NBSP}678",
        f"612{THIN}34{NARROW}56{THIN}78",
        f"{ZERO_WIDTH}612{ZERO_WIDTH}345678",
        f"{BOM}612345678",
        "\u202a+34 612 345 678\u202c",
        "６１２３４５６７８",
        "＋34 612 345 678",
        "٦١٢٣٤٥٦٧٨",
        "tel:612345678",
        "tel:+34-612-345-678",
        "TEL: 612 345 678",
        "612–345–678",
        "612—345—678",
        "612‑345‑678",
        "612−345−678",
    ],
    "915550147": [
        "(91) 555 01 47",
        "91 555 01 47",
        "91/555.01.47",
        "91-5550147",
        "+34 (91) 555 01 47",
        "(91)5550147",
    ],
    "822123456": ["822 12 34 56"],
    "712345678": ["712345678"],
    "900123456": ["900 123 456"],
}
REFUSALS = {
    "empty": ["", "   ", "'", NBSP, BOM, "tel:", "\n"],
    "digits_lost": [
        "6,12E+08",
        "6.12E8",
        "6,12346E+08",
        "6E+08",
        "6,12e8",
        " 6,1E+08 ",
    ],
    "too_short": [
        "61234567",
        "6 12 34 56 7",
        "+34 61234567",
        "003461234567",
        "5550147",
        "61234567.0",
        "6123456.00",
        "12",
    ],
    "too_long": [
        "6123456789",
        "0612345678",
        "+346123456789",
        "346123456789",
        "33612345678",
        "612345678-3",
        "915550147/48",
        "034612345678",
    ],
    "two_numbers": [
        "612345678 / 915550147",
        "612345678/915550147",
        "612345678 y 915550147",
        "612345678, 915550147",
        "612345678; 915550147",
        "612345678\n915550147",
        "+34612345678 +34600000101",
    ],
    "letters": [
        "no tiene",
        "612 34S 678",
        "612345678 (madre)",
        "612345O78",
        "Móvil 612345678",
        "612345678*",
        "612,345,678",
        "612+345678",
        "++34612345678",
        "61234567²",
        "61234567⑧",
        "6\ufe0f\u20e312345678",
        "+",
        "-",
        "612345678" + " " * 200 + "1",
    ],
    "extension": [
        "915550147 ext 3",
        "915550147 ext. 12",
        "915550147 extensión 12",
        "915550147 x3",
        "915550147#12",
        "tel:+34-915-550-147;ext=5",
    ],
    "short_code": ["112", "016", "1004", "11888", "118 22", "+34 112", "0034 11822"],
    "premium": [
        "803123456",
        "806 123 456",
        "807123456",
        "901123456",
        "902 123 456",
        "905123456",
        "907123456",
        "704123456",
        "510123456",
        "+34 902123456",
        "+44 7012345678",
        "+44 8431234567",
        "+44 3001234567",
        "+44 7640123456",
        "+49 1801234567",
    ],
    "not_valid": [
        "590123456",
        "112345678",
        "345678901",
        "000000000",
        "+999123456789",
        "+44 (0)20 7946 0958",
        "+0034612345678",
        "+39 0",
    ],
}


@pytest.mark.parametrize(
    ("spelling", "national"),
    [(text, number) for number, texts in SPELLINGS.items() for text in texts],
)
def test_every_way_spaniards_write_a_number_is_read(spelling, national):
    assert normalise(spelling) == f"+34{national}"


@pytest.mark.parametrize(
    ("text", "code"),
    [(text, code) for code, texts in REFUSALS.items() for text in texts],
)
def test_what_is_not_a_number_is_refused_with_its_reason(text, code):
    with pytest.raises(NotAPhone) as refusal:
        normalise(text)

    assert refusal.value.code == code
    assert str(refusal.value) == code  # the message may reach a log: no number in it


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+33 6 12 34 56 78", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("+44 20 7946 0958", "+442079460958"),
        ("+351 912 345 678", "+351912345678"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+1 212 555 2368", "+12125552368"),
    ],
)
def test_a_valid_foreign_number_passes(text, e164):
    assert normalise(text) == e164


def test_a_number_without_prefix_is_read_as_of_the_region():
    assert normalise("912345678", region="PT") == "+351912345678"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("61234567", "Tiene 8 cifras y un teléfono español tiene 9"),
        ("6123456789", "Tiene 10 cifras y un teléfono español tiene 9"),
        ("+33 61234567", "Tiene 8 cifras sin el prefijo +33"),
    ],
)
def test_a_wrong_length_says_how_many_digits_there_are(text, said):
    with pytest.raises(NotAPhone) as refusal:
        normalise(text)

    assert str(refusal.value.reason).startswith(said)


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_says_what_is_wrong_and_what_to_do(code):
    assert re.fullmatch(r"[A-ZÁÉÍÓÚ].+[:,] .+\.", str(NotAPhone(code).reason))


@pytest.mark.parametrize(
    ("e164", "grouped", "masked"),
    [
        ("+34612034118", "612 034 118", "612 ··· 118"),
        ("+34915550147", "915 550 147", "915 ··· 147"),
        ("+33612345678", "+33 6 12 34 56 78", "+33 ··· 678"),
        ("+12125552368", "+1 212-555-2368", "+1 ··· 368"),
        ("", "", ""),
        ("612034118", "612034118", "···"),
    ],
)
def test_a_number_is_shown_in_groups_or_masked(e164, grouped, masked):
    assert group(e164) == grouped
    assert mask(e164) == masked


mobiles = st.integers(600_000_000, 699_999_999).map(str)
landlines = st.tuples(
    st.sampled_from(["91", "93", "95", "96", "81", "88"]),
    st.integers(1_000_000, 7_999_999),
).map(lambda parts: f"{parts[0]}{parts[1]}")
prefixes = st.sampled_from(["", "34", "+34", "0034"])
separators = st.sampled_from(
    ["", "", " ", "-", ".", NBSP, THIN, ZERO_WIDTH, "–", " - "]
)


def valid(national: str) -> bool:
    try:
        return normalise(national) == f"+34{national}"
    except NotAPhone:
        return False


@st.composite
def decorated(draw, nationals=mobiles | landlines):
    national = draw(nationals)
    prefix = draw(prefixes)
    digits = [*prefix.removeprefix("+"), *national]
    text = "".join(digit + draw(separators) for digit in digits[:-1]) + digits[-1]
    assume(not re.search(r"^\d+\.0{1,2}$", text))  # an Excel float, not a separator
    around = draw(st.sampled_from(["", " ", NBSP, BOM]))
    quote = draw(st.sampled_from(["", "'"]))
    plus = "+" if prefix.startswith("+") else ""
    return national, f"{around}{quote}{plus}{text}{around}"


@given(decorated())
def test_separators_never_change_the_number(written):
    national, text = written
    assume(valid(national))

    assert normalise(text) == f"+34{national}"


@given(decorated())
def test_normalising_twice_changes_nothing(written):
    national, text = written
    assume(valid(national))

    once = normalise(text)

    assert normalise(once) == once


@given(
    st.text() | st.from_regex(r"[\s'+(]{0,3}[\d ().,/eExX+\-]{0,24}", fullmatch=True)
)
@example("6" * 5000)
@example("1" + "#" * 5000)
@example("\ud800")
def test_any_text_is_a_number_with_its_own_digits_or_is_refused(text):
    try:
        e164 = normalise(text)
    except NotAPhone:
        return

    written = "".join(str(int(char)) for char in text if char.isdecimal())
    cut = re.fullmatch(r"\D*(\d+)[.,]0{1,2}\s*", text)  # an Excel float has a tail
    own = cut[1] if cut else written
    own = own.removeprefix("00") if "+" not in text else own
    assert e164[1:] in (own, f"34{own}", written, written.removeprefix("00"))
    assert re.fullmatch(r"\+\d{7,15}", e164)


@given(mobiles | landlines, st.integers(0, 8))
def test_a_number_that_lost_a_digit_is_never_completed(national, position):
    assume(valid(national))
    shorter = national[:position] + national[position + 1 :]

    with pytest.raises(NotAPhone):
        normalise(shorter)
    with pytest.raises(NotAPhone):
        normalise(f"+34{shorter}")
    with pytest.raises(NotAPhone):
        normalise(f"34{shorter}")


@given(decorated(), st.data())
def test_a_digit_lost_anywhere_is_not_made_up(written, data):
    _national, text = written
    digits = [index for index, char in enumerate(text) if char.isdecimal()]
    lost = data.draw(st.sampled_from(digits))
    shorter = text[:lost] + text[lost + 1 :]

    try:
        e164 = normalise(shorter)
    except NotAPhone:
        return

    left = "".join(char for char in shorter if char.isdecimal())
    assert e164[1:] in (left, left.removeprefix("00"))  # a prefix that changed country


@given(st.text(max_size=20))
def test_showing_a_number_never_fails_and_a_mask_never_tells_it_all(text):
    assert isinstance(group(text), str)
    assert len(re.findall(r"\d", mask(text))) <= 6
