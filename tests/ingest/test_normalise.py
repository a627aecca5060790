"""One person's identifiers, however they were typed, have one normal form."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.normalise import (
    NORMALISERS,
    _parsed_mobile,
    _usual_mobile,
    card_number,
    email,
    id_document,
    masked_mobile,
    masked_name,
    mobile,
    name_key,
    name_simplified,
    open_identifier,
    plain,
    plate,
    simplified,
)


@pytest.mark.parametrize(
    "text",
    [
        "13812340001",
        " 138 1234 0001 ",
        "138-1234-0001",
        "+8613812340001",
        "+86 138 1234 0001",
        "008613812340001",
        "8613812340001",
        "１３８１２３４０００１",
        "＋８６１３８１２３４０００１",
        "+86 (0)138.1234.0001",
        "013812340001",
        "17951 13812340001",
        "\u202d13812340001\u202c",
    ],
)
def test_every_spelling_of_a_mobile_number_is_one_number(text: str) -> None:
    assert mobile(text) == "13812340001"


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "11111111111",
        "12345678901",
        "13888888888",
        "010-88886666",
        "1381234000",
        "138123400011",
        "12812340001",
        "14412340001",
        "1064812340001",
        "1.38E+10",
        "+86 10 8888 6666",
        "021-62345678",
        "400-820-8820",
        "95588",
        "13812340001x12",
        "13812340001;ext=12",
        "13812340001转12",
        "13812340001,13812340002",
        "13812340001/13812340002",
        "138****0001",
        "1381234CALL",
        "00000000000",
        "无",
        "",
    ],
)
def test_fillers_landlines_and_wrong_lengths_are_no_mobile_number(text: str) -> None:
    assert mobile(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+852 9123 4567", "+85291234567"),
        ("00852-91234567", "+85291234567"),
        ("＋８５３ ６６１２ ３４５６", "+85366123456"),
        ("+886 0912 345 678", "+886912345678"),
        ("+886912345678", "+886912345678"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("+44 7400 123456", "+447400123456"),
        ("+852 2123 4567", None),  # a landline
        ("+852 9999 99999", None),  # too long
        ("91234567", None),
        ("85291234567", None),  # neither + nor 00: it could be anything
        ("0912345678", None),
        ("+85266666666", None),  # a filler
        ("+999 123456789", None),
    ],
)
def test_a_mobile_number_from_elsewhere_needs_its_country_code_and_keeps_it(
    text: str, expected: str | None
) -> None:
    assert mobile(text) == expected


def test_numbers_of_the_mainland_are_told_by_their_first_five_digits_as_the_library_does() -> None:
    for first_five in range(10_000, 20_000):
        number = f"{first_five}230017"
        assert _usual_mobile(number) == _parsed_mobile(number), number


WRITTEN = r"[ -]{0,2}(\+|00)?(86)?[ -]{0,2}(1[3-9]|[0-9]{2})[ -]?([0-9][ -]{0,2}){9}[ -]?"


@given(st.from_regex(re.compile(WRITTEN, re.ASCII), fullmatch=True))
def test_the_short_way_finds_nothing_that_parsing_would_not(text: str) -> None:
    number = _usual_mobile(text)
    assert number is None or number == _parsed_mobile(text)


@given(st.from_regex(re.compile(r"(\+?86|0086)?1[3-9][0-9]{9}", re.ASCII), fullmatch=True))
def test_the_short_way_finds_what_parsing_finds_if_nothing_is_between_the_digits(text: str) -> None:
    assert _usual_mobile(text) == _parsed_mobile(text)


# 11010519491231002X is the example of the standard GB 11643; its 15-digit form drops 19 and X.
@pytest.mark.parametrize("text", ["11010519491231002X", "11010519491231002x", "110105491231002"])
def test_an_identity_number_has_eighteen_characters_and_a_check_digit(text: str) -> None:
    assert id_document(text) == "11010519491231002X"


@pytest.mark.parametrize(
    "text",
    [
        *("110105194912310021", "11010519491331002X", "E12345678", "", "110105491331002"),
        *("11010519491231002", "111111111111111", "111111111111111111", "1101051949****002X"),
    ],
)
def test_an_identity_number_with_a_wrong_check_digit_or_date_is_none(text: str) -> None:
    assert id_document(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("沪A·12345", "沪A12345"),
        ("沪a 12345", "沪A12345"),
        ("沪Ａ-1234５", "沪A12345"),
        ("沪AD12345", "沪AD12345"),
        ("粤Z1234港", "粤Z1234港"),
        ("沪a·ｄ1234５", "沪AD12345"),
        ("滬A12345", "沪A12345"),
        ("粵Z1234港", "粤Z1234港"),
        ("沪AI23O5", "沪A12305"),
        ("沪ao1234", "沪A01234"),
        ("沪O12345", "沪O12345"),
        ("沪012345", None),
        ("沪I12345", None),
        ("沪A00000", None),
        ("沪A00001", "沪A00001"),
        ("沪AK12345", "沪AK12345"),
        ("沪AL12345", None),
        ("沪ADA1234", "沪ADA1234"),
        ("沪ADAB234", None),
        ("沪A12345D", "沪A12345D"),
        ("沪A12345F", "沪A12345F"),
        ("沪A12345L", None),
        ("沪A1234D5", None),
        ("沪A123456", None),
        ("沪ADO1234", "沪AD01234"),
        ("沪A1234挂", "沪A1234挂"),
        ("沪A12挂34", None),
        ("京A1234警", "京A1234警"),
        ("京X0001应急", "京X0001应急"),
        ("使123456", "使123456"),
        ("WJ京12345", "WJ京12345"),
        ("渝A12345渝", None),
        ("上A12345", None),
        ("沪A***45", None),
        ("沪A1234", None),
        ("沪AD123456", None),
        ("abc-1", "ABC1"),
        ("ab", None),
        ("无牌", None),
        ("00000", None),
    ],
)
def test_plates_lose_separators_and_chinese_ones_have_seven_or_eight_characters(
    text: str, expected: str | None
) -> None:
    assert plate(text) == expected


def test_emails_cards_and_open_identifiers() -> None:
    assert email(" Zhang.Wei@Example.COM ") == "zhang.wei@example.com"
    assert email("ZHANG@例子。公司") == "zhang@xn--fsqu00a.xn--55qx5d"
    assert email("zhang＠example．com") == "zhang@example.com"
    assert card_number(" 6001-0002 aB ") == "60010002AB"
    assert card_number("0000") is None
    assert card_number("-1") is None
    assert card_number("6001****0002") is None
    assert card_number("6.0001E+15") is None
    assert card_number("6E15") is None
    assert card_number("00123") == "00123"
    assert open_identifier(" oAbC ") == "oAbC"
    assert open_identifier("null") is None


@pytest.mark.parametrize(
    "text",
    [
        *("zhang.wei", "@example.com", "a@b", "a@b@c.com", "a b@example.com", "a@example..com"),
        *("a@example.com;b@example.com", "z***@example.com", "Zhang <a@example.com>", "a@.com"),
        *("a" * 65 + "@example.com", "a@" + "b" * 64 + ".com", "a@example.c", "无"),
    ],
)
def test_what_is_not_one_address_is_no_email(text: str) -> None:
    assert email(text) is None


def test_an_email_is_as_long_as_the_standard_allows() -> None:
    host = ".".join(["b" * 62] * 3)
    assert email("a" * 61 + f"@{host}.com") == "a" * 61 + f"@{host}.com"  # 254 characters
    assert email("a" * 62 + f"@{host}.com") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("張偉", "张伟"),
        ("鍾國強", "钟国强"),
        ("鐘國強", "钟国强"),
        ("乾隆", "乾隆"),
        ("李乾", "李乾"),
        ("李乾坤", "李乾坤"),
        ("乾國", "乾国"),
        ("於夢", "于梦"),
        ("著名", "著名"),
        ("李著", "李著"),
        ("范冰", "范冰"),
        ("範冰", "范冰"),
        ("李昇", "李升"),
        ("薴兒", "苎儿"),
        ("甯浩", "甯浩"),
        ("宁浩", "宁浩"),
        ("王喆", "王喆"),
        ("萬俟", "万俟"),
        ("Zhang Wei", "Zhang Wei"),
    ],
)
def test_names_are_simplified_by_a_table_with_one_exception(text: str, expected: str) -> None:
    assert simplified(text) == expected
    assert simplified(expected) == expected


def test_the_simplified_form_stands_beside_a_name_only_if_it_differs() -> None:
    assert name_simplified("張偉") == "张伟"
    assert name_simplified("Ｚｈａｎｇ") == "Zhang"
    assert name_simplified("张伟") is None
    assert name_simplified("") is None


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=2, max_size=4))
def test_a_name_and_its_simplified_form_agree(name: str) -> None:
    other = simplified(name)
    assert len(other) == len(name)
    assert masked_name(other) == masked_name(name)
    assert name_key(other) == name_key(name) or any(map(_is_rare, other))


def _is_rare(character: str) -> bool:
    return character > "\uffff"


@given(st.sampled_from(list(NORMALISERS.values())), st.text() | st.from_regex("[0-9A-Z沪挂.@ ]+"))
def test_any_text_has_a_normal_form_or_none_and_a_normal_form_is_its_own(
    normalise: Callable[[str], str | None], text: str
) -> None:
    form = normalise(text)
    is_settled = form is not None and plain(form) == form  # an accent may join what is left of it
    if is_settled and normalise is not name_key:
        assert normalise(form or "") == form


@pytest.mark.parametrize(
    "texts",
    [
        ["张伟", "張偉", "ZHANG WEI", "Wei Zhang", "ZHANG/WEI MR", "张伟先生", "Zhāng Wěi"],
        ["张小明", "張小明", "ZHANG/XIAOMING", "Xiaoming Zhang", "ZHANG XIAO MING"],
        ["欧阳修", "歐陽修", "OUYANG/XIU", "Xiu Ouyang"],
        ["吕布", "LYU BU", "LV BU", "Lü Bu"],
        ["曾国藩", "ZENG GUOFAN"],
        ["单雄信", "單雄信", "SHAN/XIONGXIN"],
        ["钟离春", "鍾離春", "ZHONGLI/CHUN"],
        ["阚泽", "闞澤", "KAN ZE"],
        ["李乾", "LI QIAN"],
        ["李頡", "李颉"],
        ["习安安", "XI AN AN", "XI/AN'AN"],
    ],
)  # fmt: skip
def test_a_name_in_chinese_traditional_characters_and_pinyin_gives_one_key(
    texts: list[str],
) -> None:
    keys = {name_key(text) for text in texts}
    assert len(keys) == 1
    assert None not in keys


def test_different_names_give_different_keys() -> None:
    texts = ["张伟", "张微明", "李伟", "欧阳修", "欧修", "丁丁"]
    keys = [name_key(text) for text in texts]
    assert len(set(keys)) == len(texts)
    assert keys[0] == "wei zhang"
    assert keys[-1] == "ding ding"


@pytest.mark.parametrize("text", ["", "-", "张", "张*", "张**", "未知", "***"])
def test_masked_and_lone_names_have_no_key(text: str) -> None:
    assert name_key(text) is None


def test_masks_show_no_more_than_agreed() -> None:
    assert masked_mobile("13812340001") == "138****0001"
    assert masked_mobile("+85291234567") == "+85****4567"
    assert masked_name("张伟") == masked_name("張偉") == "张*"
    assert masked_name("zhang wei") == "Z*"
    assert masked_name("未知") is None
