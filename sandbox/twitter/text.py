"""X: what it counts, links, tags and keeps of a text, by twitter-text 3 with config v3.

Source: https://github.com/twitter/twitter-text and https://docs.x.com/fundamentals/counting-characters
"""

import unicodedata

import regex

from sandbox.text import ACCENTED, NOT_CHARACTERS, SPACES, Entity, Link, LinkFinder, keep_first

LINK_WEIGHT, EMOJI_WEIGHT = 23, 2
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
IN_PATH = rf"[a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{ACCENTED}]"
LINKS = LinkFinder(
    schemes="https?",
    in_path=IN_PATH,
    ends_path=rf"[+\-a-z\u0400-\u04ff0-9=_#/{ACCENTED}]",
    folder="@",
    in_query=r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]",
    ends_query=r"[a-z0-9\-_&=#/]",
    bare=True,
)

# --- emoji: sequences that are one sign, as of Emoji 14 (2022)

TONE = r"[\U0001f3fb-\U0001f3ff]"
PERSON = r"[👨👩🧑]"
HEART = r"❤️\u200d(?:💋\u200d)?"
ROLE = r"(?:[⚕⚖✈]\ufe0f|[🌾🍳🍼🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦯🦼🦽🦰-🦳])"
GENDERED = r"[⛹🏃🏄🏊🏋🏌👮👰👱👳👷💁💂🕵🙅-🙇🙋🙍🙎🚣🚴-🚶🤦🤵🤷-🤹🤽🤾🦸🦹🧍-🧏🧔🧖-🧝]"
COUNTRIES = (
    "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CP CR CU CV CW CX CY CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET EU FI FJ "
    "FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR "
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM "
    "MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT "
    "PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL "
    "TM TN TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
FLAGS = ["".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in country) for country in COUNTRIES.split()]
REGIONS = [
    "🏴" + "".join(chr(0xE0000 + ord(sign)) for sign in name) + "\U000e007f" for name in ("gbeng", "gbsct", "gbwls")
]
ALONE = ["👁\u200d🗨", "🏳️\u200d🌈", "🏳️\u200d⚧️", "🏴\u200d☠️", "🐕\u200d🦺", "🐈\u200d⬛", "🐻\u200d❄️", "😮\u200d💨", "😵\u200d💫",
         "😶\u200d🌫️", "❤️\u200d🔥", "❤️\u200d🩹"]  # fmt: skip
EMOJI = regex.compile(
    "|".join(
        [
            r"\L<whole>",
            rf"🧑{TONE}?\u200d🎄|🧑\u200d🤝\u200d🧑|🧑{TONE}\u200d🤝\u200d🧑{TONE}|[👨👩]{TONE}\u200d🤝\u200d[👨👩]{TONE}",
            rf"🫱{TONE}\u200d🫲{TONE}",
            rf"👨\u200d{HEART}👨|👩\u200d{HEART}[👨👩]|{PERSON}{TONE}\u200d{HEART}{PERSON}{TONE}",
            r"(?:👨\u200d[👨👩]|👩\u200d👩|[👨👩])\u200d(?:👧\u200d[👦👧]|👦\u200d👦|[👦👧])",
            rf"{PERSON}{TONE}?\u200d{ROLE}",
            rf"(?:{GENDERED}(?:{TONE}|\ufe0f)?|[👯🤼🧞🧟])\u200d[♀♂]\ufe0f",
            r"[0-9#*]\ufe0f?\u20e3",
            rf"[\p{{Emoji_Modifier_Base}}--[👯🤼]]{TONE}",
            r"[\p{Emoji}--[0-9#*\p{Emoji_Presentation}♾]]\ufe0f",
            r"[\p{Emoji_Presentation}&&[\u2000-\u3fff🀄🈚🈯]]\ufe0f",
            r"[\p{Emoji_Presentation}--\p{Regional_Indicator}]",
        ]
    ),
    regex.VERSION1,
    whole=[*FLAGS, *REGIONS, *ALONE],
)

# --- tags

LETTER = r"\p{L}\p{M}"
IN_HASHTAG = (
    rf"{LETTER}\p{{Nd}}_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\xb7"
)
HASHTAG = regex.compile(
    rf"(?:(?<=[\ufe0e\ufe0f])|(?<![{IN_HASHTAG}&]))(?P<entity>[#＃](?![\ufe0f\u20e3])(?P<name>(?>[{IN_HASHTAG}]*[{LETTER}][{IN_HASHTAG}]*)))"
)
MENTION = regex.compile(
    r"(?:^|[^a-zA-Z0-9_!#$%&*@＠]|(?:^|[^a-zA-Z0-9_+~.-])(?:rt|RT|rT|Rt):?)(?P<entity>[@＠](?P<name>[a-zA-Z0-9_]{1,20}))"
    r"(?:/[a-zA-Z][a-zA-Z0-9_-]{0,24})?"
)
CASHTAG = regex.compile(
    rf"(?:^|[{SPACES}])(?P<entity>\$(?P<name>[a-zA-Z]{{1,6}}(?:[._][a-zA-Z]{{1,2}})?))(?=$|\s|[!'#%&()*+,\\\-./:;<=>?@\[\]\^_{{|}}~$])"
)
TAGS = [  # kind, what it looks like, what must not follow it
    ("mentions", MENTION, regex.compile(rf"[@＠{ACCENTED}]|://")),
    ("hashtags", HASHTAG, regex.compile(r"[#＃]|://")),
    ("cashtags", CASHTAG, None),
]


def keep(text: str) -> str:
    """A text as X keeps it: in NFC, without blanks around it."""
    return regex.sub(r"^\p{White_Space}+|\p{White_Space}+$", "", unicodedata.normalize("NFC", text))


def has_invalid_characters(text: str) -> bool:
    """True for a text with a byte-order mark, U+FFFE or U+FFFF, which X refuses."""
    return regex.search(rf"[{NOT_CHARACTERS}]", text) is not None


def find_links(text: str) -> list[Link]:
    return LINKS.find(text)


def find_entities(text: str) -> list[Entity]:
    """Everything in a text that X makes a link of, in order; of two that overlap the first."""
    found = [link.entity for link in find_links(text)]
    for kind, pattern, ends_it in TAGS:
        for match in pattern.finditer(text):
            if ends_it is None or ends_it.match(text, match.end()) is None:
                found.append(Entity(*match.span("entity"), kind, match["name"]))
    return keep_first(found)


def expand(text: str) -> str:
    """A text as X compares it with earlier ones: as it is kept, every link by its address."""
    kept = keep(text)
    out, last = "", 0
    for link in find_links(kept):
        out += kept[last : link.start] + link.entity.value
        last = link.end
    return out + kept[last:]


def weigh(text: str) -> int:
    """The weight of a text in NFC that holds no link."""
    total = last = 0
    for match in EMOJI.finditer(text):
        total += weigh_signs(text[last : match.start()]) + EMOJI_WEIGHT
        last = match.end()
    return total + weigh_signs(text[last:])


def weigh_signs(text: str) -> int:
    return sum(1 if any(low <= ord(sign) <= high for low, high in LIGHT) else 2 for sign in text)


def count(text: str) -> int:
    """The weighted length: a link 23, an emoji 2, signs of LIGHT 1, others 2."""
    normal = unicodedata.normalize("NFC", text)
    total = last = 0
    for link in find_links(normal):
        total += weigh(normal[last : link.start]) + LINK_WEIGHT
        last = link.end
    return total + weigh(normal[last:])
