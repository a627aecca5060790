"""One spelling for each identifier, so that the same phone typed in four systems gives one token.

Each function takes the text of a file and returns the normal form, or None where the text
identifies nobody (placeholders, landlines, failed check digits). None is not an error: the row
loads without a token.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache

import phonenumbers
from opencc import OpenCC
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

PLACEHOLDERS = frozenset(
    {"", "-", "--", "-1", "/", "null", "none", "nan", "n/a", "na", "nil", "unknown", "test"}
    | {"无", "无牌", "无牌车", "没有", "不详", "未知", "匿名", "测试", "临时"}
)
PLACEHOLDER_MOBILES = frozenset({"13800138000", "13812345678", "13912345678", "18812345678"})
MAINLAND_CODE = 86
PHONE_SIGNS = re.compile(r"\+?[0-9\s()\-.\u2010-\u2015]+")
PHONE_SEPARATORS = re.compile(r"(?<=[0-9])[ \-]+(?=[0-9])")
# Types that send and receive text messages; North America does not tell mobiles by their number.
MOBILE_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
EMAIL = re.compile(r"([^@\s<>(),;:\"*\[\]\\]{1,64})@([^@\s<>(),;:\"*\[\]\\]+\.[^@\s.]{2,})")
EMAIL_CHARACTERS = 254
DAMAGED = re.compile(r"[0-9]+(\.[0-9]+)?E\+?[0-9]+")
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
SERIAL = "[A-HJ-NP-Z0-9]"
MAINLAND_PLATE = re.compile(
    rf"[{PROVINCES}][A-HJ-Z]({SERIAL}{{5}}|[A-HJK]{SERIAL}[0-9]{{4}}|[0-9]{{5}}[A-HJK]"
    rf"|{SERIAL}{{4}}[挂学警港澳试超领使])"
)
SERVICE_PLATE = re.compile(
    rf"[{PROVINCES}][XS]{SERIAL}{{4}}应急|WJ[{PROVINCES}]{SERIAL}{{5}}|民航{SERIAL}{{5}}"
    r"|使[0-9]{6}|[0-9]{6}使"
)
PLATE_SEPARATORS = re.compile(r"[\s·•・‧∙⋅●.\-_]")
LOOK_ALIKES = str.maketrans("IO", "10")
OTHER_PLATE = re.compile(r"[A-Z0-9]{3,}")
HAN = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
TITLES = re.compile(r"(先生|女士|小姐|太太)$|\b(mr|mrs|ms|miss|mstr|dr)\b\.?")
COMPOUND_SURNAMES_TEXT = (
    "欧阳 上官 司马 诸葛 司徒 东方 独孤 南宫 夏侯 皇甫 尉迟 公孙 慕容 令狐 长孙 宇文 轩辕 端木 "
    "百里 呼延 闻人 申屠 太史 澹台 公冶 宗政 濮阳 淳于 单于 钟离 鲜于 万俟 赫连"
)
COMPOUND_SURNAMES = frozenset(COMPOUND_SURNAMES_TEXT.split())
# Characters that are read another way when they are a surname.
SURNAME_READINGS: Mapping[str, str] = {
    "曾": "zeng", "单": "shan", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "任": "ren",
    "朴": "piao", "盖": "ge", "乐": "yue", "覃": "qin", "翟": "zhai", "尉": "wei", "洗": "xian",
    "冼": "xian", "缪": "miao", "宓": "mi", "牟": "mu", "隗": "wei", "逄": "pang", "纪": "ji",
    "华": "hua", "阚": "kan", "尉迟": "yuchi", "万俟": "moqi", "长孙": "zhangsun",
    "单于": "chanyu", "澹台": "tantai",
}  # fmt: skip
TRADITIONAL = OpenCC("t2s")
KEPT_IN_NAMES = "乾"


def plain(text: str) -> str:
    """Text with full-width forms made half-width, invisible marks and outer white space removed.

    Phones copied from a contact list carry marks of writing direction that nobody sees.
    """
    if text.isascii():
        return text.strip()
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()


def simplified(text: str) -> str:
    """The form in simplified characters, by OpenCC's tables: 張偉 is 张伟, 鍾 and 鐘 are 钟.

    Character by character: a name is no prose, and phrases would change it by chance. 乾 stays: in
    names it is qián, as in 乾隆, and 干 is another character. Otherwise as mainland registers wrote
    for decades: 於 is 于, 昇 and 陞 are 升, 範 is 范. What people tell apart on purpose stays so:
    著, 甯 and 宁, 祐 and 佑, 喆 and 哲, 锺 and 钟.
    """
    return "".join(map(_simplified_character, text))


@cache
def _simplified_character(character: str) -> str:
    if character in KEPT_IN_NAMES:
        return character
    return str(TRADITIONAL.convert(TRADITIONAL.convert(character)))  # 薴 takes two: 苧, 苎


def _says_nothing(text: str) -> bool:
    """True for masked values and fillers: words for nothing, one character once or repeated."""
    return "*" in text or text.lower() in PLACEHOLDERS or len(set(text)) == 1


def mobile(text: str) -> str | None:
    """A mobile number: eleven digits if it is of the mainland, else with its country code.

    Without a country code (+ or 00 in front; 86 may stand alone) a number is taken for one of the
    mainland, so one of Hong Kong, Macau, Taiwan or abroad needs it: +852 9123 4567 gives
    +85291234567 (ITU-T E.164). None for landlines, extensions, service and filler numbers, and for
    blocks not given to mobile operators, as the tables of Google's libphonenumber have them.
    """
    value = plain(text)
    number = _usual_mobile(value) or _parsed_mobile(value)
    if number is None or number in PLACEHOLDER_MOBILES or len(set(number[-8:])) == 1:
        return None
    return number


def _usual_mobile(value: str) -> str | None:
    """A mainland number as nearly all are written: what parsing finds too, twenty times as fast."""
    usual = _mainland_mobile().fullmatch(PHONE_SEPARATORS.sub("", value))
    return usual["number"] if usual else None


@cache
def _mainland_mobile() -> re.Pattern[str]:
    """Eleven digits of a mainland mobile number, by libphonenumber's own table."""
    table = phonenumbers.PhoneMetadata.metadata_for_region("CN")
    assert table is not None
    assert table.mobile is not None
    return re.compile(rf"(\+?86|0086)?(?P<number>{table.mobile.national_number_pattern})")


def _parsed_mobile(value: str) -> str | None:
    """What libphonenumber makes of a text of digits and the usual separators."""
    if not PHONE_SIGNS.fullmatch(value):
        return None
    try:
        number = phonenumbers.parse(value, "CN")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.number_type(number) not in MOBILE_TYPES:
        return None
    if number.country_code == MAINLAND_CODE:
        return str(number.national_number)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def id_document(text: str) -> str | None:
    """Eighteen characters of a resident identity number (15-digit ones are extended), or None.

    GB 11643: birth date and check digit must hold. The region is not looked up: codes of counties
    have been retired, and those of residence permits (81, 82, 83, 9…) are on no list of counties.
    """
    number = re.sub(r"[\s\-]", "", plain(text)).upper()
    if _says_nothing(number):
        return None
    if re.fullmatch(r"[0-9]{15}", number):
        number = f"{number[:6]}19{number[6:]}0"
        number = number[:17] + ric.calc_check_digit(number)
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return None
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return None
    return number if ric.calc_check_digit(number) == number[17] else None


def plate(text: str) -> str | None:
    """Number plate in capitals without separators; None for fillers and malformed Chinese plates.

    GA 36-2018: province, letter of the authority, then a serial of five without the letters I and
    O, of which the last may be a sign for its use (挂 学 警 港 澳 …). New-energy serials have six:
    small cars a letter in front (D A B C E electric, F G H J K other), any sign, four digits; large
    ones five digits and such a letter. So an I or O in a serial can only be a 1 or 0 misread; the
    authority may be O and is left alone. Plates without a Chinese character are not checked.
    """
    value = PLATE_SEPARATORS.sub("", plain(text)).upper()
    if _says_nothing(value):
        return None
    if not HAN.search(value):
        return value if OTHER_PLATE.fullmatch(value) else None
    value = simplified(value)
    if SERVICE_PLATE.fullmatch(value):
        return value
    value = value[:2] + value[2:].translate(LOOK_ALIKES)
    is_unissued = set(value[2:7]) == {"0"}
    return value if MAINLAND_PLATE.fullmatch(value) and not is_unissued else None


def email(text: str) -> str | None:
    """One e-mail address in lower case with its domain in ASCII (RFC 5890), or None.

    Before the @ case counts by the standard (RFC 5321), but at no provider of note. A quoted or
    masked local part is taken for a mistake.
    """
    parts = EMAIL.fullmatch(plain(text).lower().replace("。", "."))
    if parts is None:
        return None
    try:
        domain = parts[2].encode("idna").decode("ascii")
    except UnicodeError:  # an empty label, or one of more than 63 characters
        return None
    address = f"{parts[1]}@{domain}"
    return address if len(address) <= EMAIL_CHARACTERS else None


def card_number(text: str) -> str | None:
    """Card number in capitals without spaces and dashes.

    None for fillers, for masked ones and for what a spreadsheet left of one (6.0001E+15): many
    cards would look the same.
    """
    value = re.sub(r"[\s\-]", "", plain(text)).upper()
    return None if _says_nothing(value) or DAMAGED.fullmatch(value) else value


def open_identifier(text: str) -> str | None:
    """An identifier that WeChat issued: case matters, only outer white space goes."""
    value = text.strip()
    return None if _says_nothing(value) else value


def name_key(text: str) -> str | None:
    """Order-free pinyin of a person's name: 张伟, 張偉, ZHANG WEI and Wei Zhang give `wei zhang`.

    Chinese characters are read in their simplified form, so both ways of writing agree.

    Surname and joined given name, sorted. In Latin letters a slash or comma ends the surname; of
    three or more words the first one is taken as the surname. None for masked names and single
    characters.
    """
    value = TITLES.sub("", plain(text).lower().strip()).strip()
    if value in PLACEHOLDERS or "*" in value:
        return None
    han = HAN.findall(value)
    parts = [part for part in map(_letters, _han_name(han) if han else _latin_name(value)) if part]
    return " ".join(sorted(parts)) if parts else None


def surname_key(text: str) -> str | None:
    """Pinyin of the surname as name_key finds it; None where there is no name."""
    if name_key(text) is None:
        return None
    value = TITLES.sub("", plain(text).lower().strip()).strip()
    han = HAN.findall(value)
    return _letters((_han_name(han) if han else _latin_name(value))[0]) or None


def _han_name(characters: list[str]) -> tuple[str, ...]:
    """Surname and given name of a Chinese name in pinyin; nothing for a lone surname."""
    if len(characters) < 2:
        return ()
    first_two = simplified("".join(characters[:2]))
    length = 2 if first_two in COMPOUND_SURNAMES and len(characters) > 2 else 1
    surname = first_two[:length]
    reading = SURNAME_READINGS.get(surname) or "".join(map(_reading, surname))
    return reading, "".join(map(_reading, characters[length:]))


@cache
def _reading(character: str) -> str:
    """Pinyin of a character; of the simplified one unless that is too rare to have a reading."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - slow, and most files hold no names

    for form in (simplified(character), character):
        reading = "".join(lazy_pinyin(form, style=Style.NORMAL))
        if reading != form:
            return reading
    return character


def _latin_name(value: str) -> tuple[str, ...]:
    surname, separator, given = value.replace(",", "/").partition("/")
    if separator:
        return surname, given
    words = value.split()
    return words[0], "".join(words[1:])


def _letters(part: str) -> str:
    """Letters only; ü as passports and keyboards write it (u:, v, yu after l and n) in one way."""
    part = part.replace("ü", "v").replace("u:", "v")
    decomposed = unicodedata.normalize("NFKD", part)
    letters = "".join(letter for letter in decomposed if letter.isalpha())
    return letters.replace("lyu", "lv").replace("nyu", "nv")


def masked_mobile(number: str) -> str:
    """A normal mobile number with its middle hidden: 138****0001."""
    return f"{number[:3]}****{number[-4:]}"


def masked_name(text: str) -> str | None:
    """First character, simplified, and a star: 张*, Z*. None for an empty name or a filler."""
    value = simplified(plain(text))
    return None if value.lower() in PLACEHOLDERS else f"{value[0].upper()}*"


def name_simplified(text: str) -> str | None:
    """A name with narrow signs and simplified characters; None where that is how it is written."""
    value = simplified(plain(text))
    return None if value == text else value


NORMALISERS: Mapping[str, Callable[[str], str | None]] = {
    "mobile": mobile,
    "id_document": id_document,
    "unionid": open_identifier,
    "openid": open_identifier,
    "email": email,
    "plate": plate,
    "card_number": card_number,
    "name": name_key,
}
