"""What the composer says while a person types: each platform counts and judges in its own way."""

import re

from django.test import Client

from accounts.models import Organization
from connections.models import SocialConnection
from connections.platforms.base import platforms
from tests.factories import make_asset, make_connection, make_post
from tests.publishing.composing import NEW, fields, text_of


def test_each_account_is_counted_its_platforms_way(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection, toot: SocialConnection
) -> None:
    given = fields(
        x,
        facebook,
        toot,
        text="Tee times 👨‍👩‍👧 https://riverside-golf-club.com/a/very/long/address/of/a/page/that/goes/on",
    )
    answer = text_of(as_alice.post("/posts/check/", given))
    assert "X 36 / 280" in answer
    assert "Mastodon 35 / 500" in answer
    assert "Facebook" in answer
    assert "/ 63,206" in answer


def test_links_beside_other_scripts_are_counted_as_x_counts_them(as_alice: Client, x: SocialConnection) -> None:
    text = "https://example.com/newsを" + "ゴルフ" * 60
    answer = text_of(as_alice.post("/posts/check/", fields(x, text=text)))
    assert "X 385 / 280" in answer
    overflow = re.findall(r'<span class="preview-overflow">([^<]*)</span>', answer)
    assert overflow == [("ゴルフ" * 60)[127:]], "what is beyond 23 + 2 + 127 * 2"


def test_each_platforms_own_links_are_marked(as_alice: Client, x: SocialConnection, toot: SocialConnection) -> None:
    text = "See photo.zip and https://example.com/日本 ＃ゴルフ"
    answer = text_of(as_alice.post("/posts/check/", fields(x, toot, text=text)))
    marked = {
        name: re.findall(r'<span class="preview-link">([^<]*)</span>', article)
        for name, article in re.findall(r'data-preview="(\w+)"(.*?)</article>', answer, re.DOTALL)
    }
    assert marked == {"TWITTER": ["photo.zip", "example.com", "＃ゴルフ"], "MASTODON": ["example.com/日本", "＃ゴルフ"]}


def test_signs_that_nobody_sees_are_no_text(as_alice: Client, club: Organization, x: SocialConnection) -> None:
    answer = text_of(as_alice.post("/posts/check/", fields(x, text="\u200b \u2800")))
    assert "Write something or add an image." in answer
    assert "X 0 / 280" in answer
    with_image = fields(x, text="\u200b", media=[str(make_asset(club).pk)], alt=["A green"])
    assert "Write something" not in text_of(as_alice.post("/posts/check/", with_image))


def test_an_invisible_sign_that_x_refuses_is_named(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    for sign in "\ufeff\ufffe\uffff":
        answer = text_of(as_alice.post("/posts/check/", fields(x, facebook, text=f"Good{sign} morning")))
        assert "<strong>X:</strong> The text contains an invisible character that X does not accept." in answer
        assert "<strong>Facebook:" not in answer


def test_problems_are_named_beside_their_account(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    answer = text_of(as_alice.post("/posts/check/", fields(x, facebook, text="a" * 300)))
    assert "X 300 / 280" in answer
    assert "<strong>X:</strong> 20 characters over the limit of 280." in answer
    assert "<strong>Facebook:" not in answer
    assert "preview-overflow" in answer


def test_warnings_are_short_lines_and_no_name_is_read_twice(
    as_alice: Client, club: Organization, x: SocialConnection, facebook: SocialConnection, toot: SocialConnection
) -> None:
    images = [str(make_asset(club, alt_text="").pk) for _number in range(2)]
    given = fields(x, facebook, toot, media=images, alt=["", ""], text="a" * 300, link_url="https://example.com/")
    answer = text_of(as_alice.post("/posts/check/", given))
    lines = [re.sub(r"<[^>]+>", "", line).strip() for line in re.findall(r"<span>(<strong.*?)</span></li>", answer)]
    assert lines == [
        "X: 45 characters over the limit of 280.",
        "All accounts: Images 1 and 2 have no alt text.",
        "All accounts: The link has no preview because the post has images.",
        "X: A post with a link costs $0.20.",
    ]
    assert answer.count("<strong>All accounts:</strong>") == 1  # the second is for screen readers alone
    assert answer.count('<strong class="visually-hidden">All accounts:</strong>') == 1


def test_one_account_needs_no_name_beside_its_problems(as_alice: Client, x: SocialConnection) -> None:
    answer = text_of(as_alice.post("/posts/check/", fields(x, text="a" * 300)))
    assert "<span>20 characters over the limit of 280.</span>" in answer


def test_accounts_of_one_name_show_their_handles(as_alice: Client, club: Organization, x: SocialConnection) -> None:
    make_connection(club, "MASTODON", account_name=x.account_name, account_handle="@riverside@mastodon.example")
    make_connection(club, "FACEBOOK", account_name=x.account_name, account_handle="")
    make_connection(club, "FACEBOOK", account_name="Juniors", account_handle="juniors")
    page = text_of(as_alice.get(NEW))
    notes = re.findall(r'<span class="name">([^<]*)</span>(?:<span class="chip-note">([^<]*)</span>)?', page)
    assert sorted(notes) == [
        ("Juniors", ""),
        (x.account_name, "@riverside@mastodon.example"),
        (x.account_name, "@riversidegc"),
        (x.account_name, "Facebook"),
    ]


def test_the_refusal_goes_when_its_reason_is_gone(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook, text="a" * 300, when="now")
    page = text_of(as_alice.post(NEW, given))
    [refused] = re.findall(r'name="refused" value="([^"]*)"', page)
    assert refused == "Not scheduled yet. Fix the problems below for X; the other account is ready."
    still = text_of(as_alice.post("/posts/check/", given | {"refused": refused}))
    assert "composer-refusal" not in still  # nothing changed: it is not read out again
    alone = text_of(as_alice.post("/posts/check/", given | {"refused": refused, "connections": [str(x.pk)]}))
    assert "Fix the problems below for X." in alone
    mended = text_of(as_alice.post("/posts/check/", given | {"refused": refused, "text": "Short"}))
    assert '<div id="composer-refusal" hx-swap-oob="true" tabindex="-1"></div>' in mended


def test_a_new_post_stays_new_until_it_is_scheduled(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x, text="a" * 300, when="now", begun="new")
    assert "<title>New post" in text_of(as_alice.get(NEW))
    assert "<title>New post" in text_of(as_alice.post(NEW, given))
    assert "<title>Edit draft" in text_of(as_alice.get(f"{NEW}?group={given['group']}"))
    assert "<title>Edit post" in text_of(as_alice.get(f"/posts/{make_post(x).pk}/edit/"))


def test_line_ends_count_once(as_alice: Client, x: SocialConnection) -> None:
    assert "X 3 / 280" in text_of(as_alice.post("/posts/check/", fields(x, text="a\r\nb")))


def test_a_variant_is_judged_instead_of_the_shared_text(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook, text="a" * 300, own_text=[str(x.pk)], **{f"text-{x.pk}": "Short for X"})
    answer = text_of(as_alice.post("/posts/check/", given))
    assert "X 11 / 280" in answer
    assert 'data-tone="danger"' not in answer


def test_a_link_that_is_none_is_said_beside_every_account(as_alice: Client, x: SocialConnection) -> None:
    assert "Enter a full web address" in text_of(as_alice.post("/posts/check/", fields(x, link_url="the website")))


def test_two_accounts_of_one_platform_are_told_apart(as_alice: Client, club: Organization, x: SocialConnection) -> None:
    other = make_connection(club, "TWITTER", account_handle="@juniors")
    answer = text_of(as_alice.post("/posts/check/", fields(x, other)))
    assert "X @riversidegc 38 / 280" in answer
    assert "X @juniors 38 / 280" in answer


def test_previews_colour_hashtags_and_escape_what_was_typed(as_alice: Client, x: SocialConnection) -> None:
    answer = text_of(as_alice.post("/posts/check/", fields(x, text="<script>alert(1)</script> #winter")))
    assert '<span class="preview-link">#winter</span>' in answer
    assert "<script>alert" not in answer


def test_every_platform_has_a_preview(as_alice: Client, club: Organization) -> None:
    for platform in platforms():
        connection = make_connection(club, platform.name)
        answer = text_of(as_alice.post("/posts/check/", fields(connection, text="Hello")))
        assert f'data-preview="{platform.name}"' in answer


def test_a_picture_of_another_organization_is_as_if_it_were_not_there(
    as_alice: Client, rivals: Organization, x: SocialConnection
) -> None:
    foreign = make_asset(rivals)
    answer = text_of(as_alice.post("/posts/check/", fields(x, media=[str(foreign.pk)], alt=["x"])))
    assert str(foreign.pk) not in answer
