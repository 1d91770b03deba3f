"""Pictures that people upload, and the library that keeps them."""

import errno
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.errors import PictureRefused
from accounts.models import AuditEvent, Organization, User
from publishing.errors import MediaInUse
from publishing.media import delete_asset, store_upload
from publishing.models import MediaAsset, PostStatus
from tests.factories import attach, jpeg_from_a_phone, make_asset, make_connection, make_post, picture


def upload(body: bytes, name: str = "green.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body)


def stored(asset: MediaAsset) -> Image.Image:
    with asset.file.open("rb") as stream:
        image = Image.open(BytesIO(stream.read()))
        image.load()
        return image


def files_kept(settings: Any) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("form", "content_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_a_picture_is_known_by_its_content_whatever_its_name(
    club: Organization, alice: User, form: str, content_type: str
) -> None:
    asset = store_upload(club, upload(picture(640, 480, form), "scorecard.txt"), by=alice)
    assert (asset.content_type, asset.width, asset.height, asset.name) == (content_type, 640, 480, "scorecard.txt")


def test_a_picture_from_a_phone_is_turned_upright_and_loses_its_place(club: Organization, alice: User) -> None:
    asset = store_upload(club, upload(jpeg_from_a_phone()), by=alice)
    image = stored(asset)
    assert image.size == (asset.width, asset.height) == (300, 400)
    assert not image.getexif()


def test_what_a_picture_was_is_remembered(club: Organization, alice: User) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("#fff", "#000", "#2f5d50")]
    stream = BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=100)
    moving = store_upload(club, upload(stream.getvalue(), "wave.gif"), by=alice)
    stream = BytesIO()
    Image.new("CMYK", (60, 60)).save(stream, "JPEG")
    ink = store_upload(club, upload(stream.getvalue(), "poster.jpg"), by=alice)
    assert [(asset.is_animated, asset.converted_from) for asset in (moving, ink)] == [(True, ""), (False, "CMYK")]


def test_a_picture_without_metadata_is_kept_byte_for_byte(club: Organization, alice: User) -> None:
    body = picture(form="JPEG")
    asset = store_upload(club, upload(body), by=alice)
    with asset.file.open("rb") as stream:
        assert stream.read() == body


def test_a_thumbnail_is_at_most_480_pixels(club: Organization, alice: User) -> None:
    asset = store_upload(club, upload(picture(1600, 900)), by=alice)
    with asset.thumbnail.open("rb") as stream:
        assert Image.open(stream).size == (480, 270)


@pytest.mark.parametrize(
    ("body", "name", "sentence"),
    [
        (b"Dear members, the dinner is on Friday.", "dinner.jpg", "isn't an image"),
        (b"", "nothing.png", "is empty"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 50, "IMG_1.HEIC", "Export it as JPEG"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 50, "swing.mp4", "is a video"),
        (b"%PDF-1.7 ...", "card.pdf", "is a PDF file"),
        (b"<?xml version='1.0'?><svg onload='alert(1)'>", "logo.svg", "is a SVG file"),
        (picture(form="JPEG")[:900], "half.jpg", "is damaged"),
        (picture()[:200], "half.png", "is damaged"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(
    club: Organization, alice: User, settings: Any, body: bytes, name: str, sentence: str
) -> None:
    with pytest.raises(PictureRefused, match=sentence) as refusal:
        store_upload(club, upload(body, name), by=alice)
    assert name in str(refusal.value)
    assert not MediaAsset.objects.exists()
    assert files_kept(settings) == []


@pytest.mark.parametrize("size", [(12_000, 12_000), (10_001, 10), (9_000, 9_000)])
def test_a_bomb_is_refused_before_it_is_decoded(club: Organization, alice: User, size: tuple[int, int]) -> None:
    stream = BytesIO()
    Image.new("1", size).save(stream, "PNG")
    with pytest.raises(PictureRefused, match="bomb.png.* pixels"):
        store_upload(club, upload(stream.getvalue(), "bomb.png"), by=alice)


def test_a_file_above_the_limit_is_refused_with_the_limit(club: Organization, alice: User, settings: Any) -> None:
    settings.MEDIA_MAX_BYTES = 1_000_000
    with pytest.raises(PictureRefused, match="is 1.2 MB. The limit is 1 MB"):
        store_upload(club, upload(b"x" * 1_200_000, "big.png"), by=alice)


def test_the_same_file_twice_is_one_asset_per_organization(
    club: Organization, rivals: Organization, alice: User, eve: User
) -> None:
    body = picture()
    first = store_upload(club, upload(body, "a.png"), by=alice)
    assert store_upload(club, upload(body, "b.png"), by=alice) == first
    assert store_upload(rivals, upload(body, "a.png"), by=eve) != first


def test_a_full_disk_says_so_and_keeps_nothing(
    club: Organization, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = FileSystemStorage._save, []  # type: ignore[attr-defined]

    def save_once(self: FileSystemStorage, name: str, content: Any) -> str:
        calls.append(name)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        written: str = real(self, name, content)
        return written

    monkeypatch.setattr(FileSystemStorage, "_save", save_once)
    with pytest.raises(PictureRefused, match="disk is full"):
        store_upload(club, upload(picture()), by=alice)
    assert not MediaAsset.objects.exists()
    assert files_kept(settings) == []


def test_uploading_and_deleting_leave_their_trace(
    club: Organization, alice: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    asset = store_upload(club, upload(picture()), by=alice)
    with django_capture_on_commit_callbacks(execute=True):
        delete_asset(asset, by=alice)
    actions = AuditEvent.objects.for_organization(club).filter(action__startswith="media.").order_by("at")
    assert [event.action for event in actions] == ["media.uploaded", "media.deleted"]
    assert files_kept(settings) == []


def test_a_used_picture_is_not_deleted_and_its_posts_are_named(club: Organization, alice: User) -> None:
    asset = make_asset(club)
    connection = make_connection(club, account_name="Riverside GC")
    attach(make_post(connection, content="Members' dinner is back.\nBook now.", status=PostStatus.DRAFT), asset)
    with pytest.raises(MediaInUse, match=r"it is used in 1 post, “Members' dinner is back.” \(Riverside GC\)"):
        delete_asset(asset, by=alice)
    assert MediaAsset.objects.filter(pk=asset.pk).exists()
