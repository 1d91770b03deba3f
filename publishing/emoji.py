"""Emoji that the composer offers."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

EMOJI: tuple[tuple[str, str | Promise], ...] = (
    ("😀", gettext_lazy("grinning face")), ("😄", gettext_lazy("smiling face with open mouth")), ("😊", gettext_lazy("smiling face")),
    ("😍", gettext_lazy("heart eyes")), ("🤩", gettext_lazy("star eyes")), ("😎", gettext_lazy("sunglasses")),
    ("😂", gettext_lazy("tears of joy")), ("🙂", gettext_lazy("slight smile")), ("😉", gettext_lazy("wink")),
    ("🤔", gettext_lazy("thinking face")), ("😮", gettext_lazy("surprised face")), ("😢", gettext_lazy("crying face")),
    ("🥳", gettext_lazy("party face")), ("🤗", gettext_lazy("hugging face")), ("👋", gettext_lazy("waving hand")),
    ("👍", gettext_lazy("thumbs up")), ("👏", gettext_lazy("clapping hands")), ("🙌", gettext_lazy("raised hands")),
    ("🙏", gettext_lazy("folded hands")), ("💪", gettext_lazy("strong arm")), ("🤝", gettext_lazy("handshake")),
    ("👉", gettext_lazy("pointing right")), ("👇", gettext_lazy("pointing down")), ("👀", gettext_lazy("eyes")),
    ("❤️", gettext_lazy("red heart")), ("💚", gettext_lazy("green heart")), ("💙", gettext_lazy("blue heart")),
    ("✨", gettext_lazy("sparkles")), ("⭐", gettext_lazy("star")), ("🔥", gettext_lazy("fire")),
    ("🎉", gettext_lazy("party popper")), ("🎊", gettext_lazy("confetti ball")), ("🎂", gettext_lazy("cake")),
    ("🎁", gettext_lazy("gift")), ("🏆", gettext_lazy("trophy")), ("🥇", gettext_lazy("gold medal")),
    ("⛳", gettext_lazy("golf flag")), ("🏌️", gettext_lazy("golfer")), ("⚽", gettext_lazy("football")),
    ("🎾", gettext_lazy("tennis")), ("🏃", gettext_lazy("runner")), ("🚴", gettext_lazy("cyclist")),
    ("☀️", gettext_lazy("sun")), ("🌤️", gettext_lazy("sun behind cloud")), ("🌧️", gettext_lazy("rain")),
    ("❄️", gettext_lazy("snowflake")), ("🌈", gettext_lazy("rainbow")), ("🌳", gettext_lazy("tree")),
    ("🌸", gettext_lazy("blossom")), ("🍽️", gettext_lazy("plate with knife and fork")), ("☕", gettext_lazy("coffee")),
    ("🍷", gettext_lazy("wine glass")), ("🍻", gettext_lazy("beer mugs")), ("🎵", gettext_lazy("music note")),
    ("📅", gettext_lazy("calendar")), ("⏰", gettext_lazy("alarm clock")), ("📍", gettext_lazy("pin")),
    ("📣", gettext_lazy("megaphone")), ("📷", gettext_lazy("camera")), ("🎟️", gettext_lazy("ticket")),
    ("💡", gettext_lazy("light bulb")), ("✅", gettext_lazy("check mark")), ("➡️", gettext_lazy("right arrow")),
    ("🚀", gettext_lazy("rocket")),
)  # fmt: skip
"""A small native set with spoken names."""
