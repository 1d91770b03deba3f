"""Pictures that a platform would refuse, or show without their movement, are named before anything is scheduled.

Sources: X answers "Image dimensions must be >= 4x4 and <= 8192x8192" (code 324) and lists JPG, PNG, GIF and WebP;
Facebook's photo edge shows GIFs still; Mastodon's server code has MAX_MATRIX_LIMIT 33,177,600 and GIF_MATRIX_LIMIT
921,600, makes a looping video of an animated GIF and keeps the first frame of an animated PNG or WebP.
"""

import pytest

from connections.platforms.base import Problem, platform_class
from tests.connections.platforms.helpers import draft, picture


def problems(platform: str, **facts: object) -> list[Problem]:
    return platform_class(platform).problems(draft(media=(picture(**facts),)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "facts", "code"),
    [
        ("TWITTER", {"width": 3, "height": 400}, "image_too_small"),
        ("TWITTER", {"width": 400, "height": 3}, "image_too_small"),
        ("TWITTER", {"width": 4, "height": 4}, ""),
        ("TWITTER", {"width": 8192, "height": 8192}, ""),
        ("TWITTER", {"width": 8193, "height": 100}, "image_side_too_long"),
        ("TWITTER", {"width": 100, "height": 8193}, "image_side_too_long"),
        ("TWITTER", {"content_type": "image/gif"}, ""),
        ("TWITTER", {"content_type": "image/gif", "is_animated": True}, "animated_gif"),
        ("FACEBOOK", {"width": 1, "height": 1}, ""),
        ("FACEBOOK", {"content_type": "image/webp"}, "image_format"),
        ("MASTODON", {"width": 7680, "height": 4320}, ""),
        ("MASTODON", {"width": 7681, "height": 4320}, "image_too_many_pixels"),
        ("MASTODON", {"content_type": "image/gif", "width": 1280, "height": 720}, ""),
        ("MASTODON", {"content_type": "image/gif", "width": 1281, "height": 720}, "image_too_many_pixels"),
    ],
)
def test_a_picture_that_would_be_refused_blocks(platform: str, facts: dict[str, object], code: str) -> None:
    found = problems(platform, **facts)
    assert [problem.code for problem in found if problem.blocking] == ([code] if code else [])
    assert all(problem.field == "media" for problem in found)


@pytest.mark.parametrize(
    ("platform", "content_type", "stands_still"),
    [
        ("TWITTER", "image/png", True),
        ("TWITTER", "image/webp", True),
        ("FACEBOOK", "image/png", True),
        ("FACEBOOK", "image/gif", True),
        ("MASTODON", "image/png", True),
        ("MASTODON", "image/webp", True),
        ("MASTODON", "image/gif", False),
    ],
)
def test_an_animation_that_will_stand_still_is_said(platform: str, content_type: str, stands_still: bool) -> None:
    found = problems(platform, content_type=content_type, is_animated=True)
    said = [problem.message for problem in found if problem.code == "stands_still" and not problem.blocking]
    assert said == (["Image 1 is animated and will appear as a still image."] if stands_still else [])
    assert not [problem for problem in problems(platform, content_type=content_type) if problem.code == "stands_still"]


def test_pictures_without_alt_text_are_named_in_one_line() -> None:
    cls = platform_class("MASTODON")
    media = tuple(
        picture(colour, alt=alt) for colour, alt in (("#111111", ""), ("#222222", "A bird"), ("#333333", " "))
    )
    [problem] = cls.problems(draft(media=media))
    assert (problem.message, problem.blocking) == ("Images 1 and 3 have no alt text.", False)
