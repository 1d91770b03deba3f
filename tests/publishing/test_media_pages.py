"""The library of pictures: uploading, finding, describing and deleting."""

import re
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import Organization, User
from accounts.permissions import Role
from connections.models import SocialConnection
from publishing.models import MediaAsset, PostStatus
from tests.conftest import signed_in
from tests.factories import attach, make_asset, make_member, make_post, picture
from tests.publishing.composing import json_of, text_of


def test_an_upload_answers_with_the_picture_or_with_a_sentence(as_alice: Client) -> None:
    headers = {"X-Requested-With": "fetch"}
    good = as_alice.post("/media/upload/", {"files": SimpleUploadedFile("a.png", picture())}, headers=headers)
    [asset] = json_of(good)["assets"]
    assert (asset["name"], asset["thumbnail"]) == ("a.png", f"/media/{asset['id']}/thumbnail/")
    bad = as_alice.post("/media/upload/", {"files": SimpleUploadedFile("a.jpg", b"text")}, headers=headers)
    assert bad.status_code == 422
    assert json_of(bad)["problems"] == ["“a.jpg” isn't an image. Upload a JPEG, PNG, GIF or WebP file."]


def test_the_library_works_without_scripts(as_alice: Client) -> None:
    response = as_alice.post("/media/upload/", {"files": [SimpleUploadedFile("a.png", picture())]}, follow=True)
    assert "1 image added." in text_of(response)
    assert "a.png" in text_of(response)


def test_converted_colours_are_said_with_and_without_scripts(as_alice: Client) -> None:
    stream = BytesIO()
    Image.new("CMYK", (60, 60), (0, 255, 0, 0)).save(stream, "JPEG")
    answer = as_alice.post(
        "/media/upload/",
        {"files": SimpleUploadedFile("poster.jpg", stream.getvalue())},
        headers={"X-Requested-With": "fetch"},
    )
    sentence = "“poster.jpg” was converted from CMYK to sRGB. Check its colours before you publish."
    assert json_of(answer)["assets"][0]["note"] == sentence
    again = {"files": SimpleUploadedFile("poster.jpg", stream.getvalue())}
    assert sentence in text_of(as_alice.post("/media/upload/", again, follow=True))


def test_pictures_are_served_to_members_only(
    as_alice: Client, as_eve: Client, client: Client, club: Organization
) -> None:
    asset = make_asset(club)
    for kind in ("file", "thumbnail"):
        url = reverse(f"publishing:media_{kind}", args=[asset.pk])
        response = as_alice.get(url)
        assert response.status_code == 200
        assert response["Content-Type"] == "image/png"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"].startswith("private")
        assert as_eve.get(url).status_code == 404
        assert client.get(url).status_code == 302


PART = {"HX-Request": "true"}


def shown(client: Client, query: str) -> list[str]:
    """The names of the pictures that the library shows, in its order."""
    page = text_of(client.get(f"/media/?{query}", headers=PART))
    return re.findall(r'<span class="truncate strong small">([^<]*)</span>', page)


def test_the_library_is_searched_and_filtered_by_its_address(
    as_alice: Client, club: Organization, x: SocialConnection
) -> None:
    dinner = make_asset(club, name="table.png", alt_text="A long table")
    make_asset(club, name="green.jpg", alt_text="", content_type="image/jpeg")
    make_asset(club, name="wave.gif", alt_text="A flag in the wind", content_type="image/gif", is_animated=True)
    attach(make_post(x), dinner)
    expected = {
        "": ["wave.gif", "green.jpg", "table.png"],
        "order=oldest": ["table.png", "green.jpg", "wave.gif"],
        "q=long": ["table.png"],
        "q=GREEN": ["green.jpg"],
        "use=used": ["table.png"],
        "use=unused": ["wave.gif", "green.jpg"],
        "alt=missing": ["green.jpg"],
        "type=jpeg": ["green.jpg"],
        "type=animated": ["wave.gif"],
        "type=gif&use=used": [],
        "type=nonsense&order=nonsense&use=nonsense": ["wave.gif", "green.jpg", "table.png"],
    }
    assert {query: shown(as_alice, query) for query in expected} == expected


def test_nothing_found_repeats_the_word_and_leads_back(as_alice: Client, club: Organization) -> None:
    make_asset(club)
    none = text_of(as_alice.get("/media/?q=<zebra>"))
    assert "No images match “&lt;zebra&gt;”" in none
    assert "Show all images" in none
    assert "No images match “zebra”" in text_of(as_alice.get("/media/pick/?q=zebra"))
    assert "No images match these filters" in text_of(as_alice.get("/media/?use=used"))


def test_details_say_what_it_is_and_where_it_is_used(
    as_alice: Client, as_eve: Client, club: Organization, x: SocialConnection
) -> None:
    asset = make_asset(club, name="poster.jpg", content_type="image/jpeg", converted_from="CMYK (Coated FOGRA39)")
    post = make_post(x, content="Members' dinner")
    attach(post, asset)
    url = reverse("publishing:media_detail", args=[asset.pk])
    for page in (text_of(as_alice.get(url)), text_of(as_alice.get(url, headers=PART))):
        for said in (
            "poster.jpg",
            "JPEG",
            "640 × 480",
            "CMYK (Coated FOGRA39)",
            "Used in 1 post",
            f"/posts/{post.pk}/",
        ):
            assert said in page
        assert "Images in use can&#x27;t be deleted" in page or "Images in use can't be deleted" in page
    assert as_eve.get(url).status_code == 404


def test_a_file_is_handed_out_under_the_ending_of_what_it_is(as_alice: Client, club: Organization) -> None:
    asset = make_asset(club, name="invoice.pdf")
    answer = as_alice.get(reverse("publishing:media_file", args=[asset.pk]))
    assert answer["Content-Disposition"] == 'inline; filename="invoice.png"'
    assert 'download="invoice.png"' in text_of(as_alice.get(reverse("publishing:media_detail", args=[asset.pk])))


def test_an_empty_library_says_what_to_do(as_alice: Client) -> None:
    assert "No images yet" in text_of(as_alice.get("/media/"))


def test_a_description_is_saved_and_a_too_long_one_refused(as_alice: Client, club: Organization) -> None:
    asset = make_asset(club)
    url, headers = reverse("publishing:media_describe", args=[asset.pk]), {"HX-Request": "true"}
    assert "Saved" in text_of(as_alice.post(url, {"alt_text": "Dusk"}, headers=headers))
    assert as_alice.post(url, {"alt_text": "x" * 1501}, headers=headers).status_code == 422
    asset.refresh_from_db()
    assert asset.alt_text == "Dusk"


def test_a_used_picture_stays_and_says_where_it_is_used(
    as_alice: Client, club: Organization, x: SocialConnection
) -> None:
    asset = make_asset(club)
    post = make_post(x, content="Members' dinner", status=PostStatus.DRAFT)
    attach(post, asset)
    url, headers = reverse("publishing:media_delete", args=[asset.pk]), {"HX-Request": "true"}
    refused = as_alice.post(url, headers=headers)
    assert refused.status_code == 422
    assert "Members&#x27; dinner" in text_of(refused)
    post.attached_media.all().delete()
    assert as_alice.post(url, headers=headers).status_code == 200
    assert not MediaAsset.objects.exists()


def test_a_viewer_sees_the_library_and_changes_nothing(club: Organization, alice: User) -> None:
    viewer = signed_in(make_member(club, Role.VIEWER).user)
    asset = make_asset(club)
    assert viewer.get("/media/").status_code == 200
    for name in ("media_describe", "media_delete"):
        assert viewer.post(reverse(f"publishing:{name}", args=[asset.pk])).status_code == 403
    assert viewer.post("/media/upload/").status_code == 403
