"""Profile pictures and logos that were kept before they were written anew."""

from importlib import import_module
from io import BytesIO

from django.apps import apps
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image

from accounts.models import Organization, User
from tests.factories import jpeg_from_a_phone

write_anew = import_module("accounts.migrations.0007_profile_pictures_written_anew").write_anew


def test_the_upgrade_writes_them_anew(as_bob: Client, bob: User, club: Organization) -> None:
    bob.avatar.save("me.pdf", ContentFile(jpeg_from_a_phone()))
    club.logo.save("logo.html", ContentFile(b"<script>alert(1)</script>"))
    before = str(bob.avatar.name)
    write_anew(apps, None)
    bob.refresh_from_db()
    club.refresh_from_db()
    assert not bob.avatar.storage.exists(before)
    kept = Image.open(BytesIO(as_bob.get(bob.avatar_url).getvalue()))
    assert (kept.format, kept.size, dict(kept.getexif())) == ("WEBP", (300, 400), {})
    assert not club.logo


def test_a_file_that_is_not_at_hand_is_left_as_it_is(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(avatar="avatars/elsewhere.png")
    write_anew(apps, None)
    bob.refresh_from_db()
    assert bob.avatar.name == "avatars/elsewhere.png"
