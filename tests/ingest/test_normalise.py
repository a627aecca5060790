"""One person's identifiers, however they were typed, have one normal form."""

import pytest

from ingest.normalise import (
    card_number,
    email,
    id_document,
    masked_mobile,
    masked_name,
    mobile,
    name_key,
    open_identifier,
    plate,
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
        "1.38E+10",
        "无",
        "",
    ],
)
def test_fillers_landlines_and_wrong_lengths_are_no_mobile_number(text: str) -> None:
    assert mobile(text) is None


# 11010519491231002X is the example of the standard GB 11643; its 15-digit form drops 19 and X.
@pytest.mark.parametrize("text", ["11010519491231002X", "11010519491231002x", "110105491231002"])
def test_an_identity_number_has_eighteen_characters_and_a_check_digit(text: str) -> None:
    assert id_document(text) == "11010519491231002X"


@pytest.mark.parametrize("text", ["110105194912310021", "11010519491331002X", "E12345678", ""])
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
    assert email("zhang.wei") is None
    assert card_number(" 6001-0002 aB ") == "60010002AB"
    assert card_number("0000") is None
    assert card_number("-1") is None
    assert open_identifier(" oAbC ") == "oAbC"
    assert open_identifier("null") is None


@pytest.mark.parametrize(
    "texts",
    [
        ["张伟", "張偉", "ZHANG WEI", "Wei Zhang", "ZHANG/WEI MR", "张伟先生", "Zhāng Wěi"],
        ["张小明", "張小明", "ZHANG/XIAOMING", "Xiaoming Zhang", "ZHANG XIAO MING"],
        ["欧阳修", "歐陽修", "OUYANG/XIU", "Xiu Ouyang"],
        ["吕布", "LYU BU", "LV BU", "Lü Bu"],
        ["曾国藩", "ZENG GUOFAN"],
        ["单雄信", "SHAN/XIONGXIN"],
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
    assert masked_name("张伟") == "张*"
    assert masked_name("zhang wei") == "Z*"
    assert masked_name("未知") is None
