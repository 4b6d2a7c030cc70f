"""Identity card numbers against GB 11643-1999 and its two published samples."""

from datetime import date

import pytest

from hevesy.records.patients.identity import IdCardRefused, check_character, read_id_card

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("number", "born", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), "F"),
        ("440524188001010014", date(1880, 1, 1), "M"),
        ("11010519491231002x", date(1949, 12, 31), "F"),
        ("１１０１０５ 19491231 002Ｘ", date(1949, 12, 31), "F"),
    ],
)
def test_the_samples_of_the_standard_are_read(number: str, born: date, sex: str) -> None:
    card = read_id_card(number, today=TODAY)

    assert (card.birth_date, card.sex) == (born, sex)
    assert card.number[-1] != "x"
    assert not card.converted


def test_fifteen_digits_are_converted_and_said_so() -> None:
    card = read_id_card("110105491231002", today=TODAY)

    assert card.number == "11010519491231002X"
    assert card.converted


def test_the_region_of_invented_people_is_allowed() -> None:
    first = "99000019640308001"

    assert read_id_card(first + check_character(first), today=TODAY).region == "990000"


@pytest.mark.parametrize(
    "number",
    [
        "110105194912310021",  # check character
        "11010519491231",  # too short
        "01010519491231002X",  # no such region
        "abc",
        "",
    ],
)
def test_a_wrong_number_is_refused(number: str) -> None:
    with pytest.raises(IdCardRefused):
        read_id_card(number, today=TODAY)


@pytest.mark.parametrize("born", ["19990230", "20270101", "18000101", "19991301"])
def test_an_impossible_birth_date_is_refused_even_with_a_right_check_character(born: str) -> None:
    first = f"110105{born}002"

    with pytest.raises(IdCardRefused):
        read_id_card(first + check_character(first), today=TODAY)


def test_every_single_mistyped_digit_is_found() -> None:
    number = "11010519491231002X"

    for place in range(17):
        for digit in "0123456789":
            typed = number[:place] + digit + number[place + 1 :]
            if typed != number:
                with pytest.raises(IdCardRefused):
                    read_id_card(typed, today=TODAY)
