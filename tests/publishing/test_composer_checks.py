"""What the composer says while a person types: each platform counts and judges in its own way."""

from django.test import Client

from accounts.models import Organization
from connections.models import SocialConnection
from connections.platforms.base import platforms
from tests.factories import make_asset, make_connection
from tests.publishing.composing import fields, text_of


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


def test_problems_are_named_beside_their_account(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    answer = text_of(as_alice.post("/posts/check/", fields(x, facebook, text="a" * 300)))
    assert "X 300 / 280" in answer
    assert "<strong>X</strong> · " in answer
    assert "<strong>Facebook</strong> · " not in answer
    assert "preview-overflow" in answer


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
    assert "not a web address" in text_of(as_alice.post("/posts/check/", fields(x, link_url="the website")))


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
