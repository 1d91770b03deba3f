from django.core.files.base import ContentFile
from django.db import migrations

from accounts.errors import PictureRefused
from accounts.ids import new_id
from accounts.pictures.reading import COPY_SUFFIX, read_picture

SIDE = 512


def write_anew(apps, schema_editor):
    """Profile pictures and logos were kept as they came, with the place where they were taken and a name of their own."""
    for model, field in (("User", "avatar"), ("Organization", "logo")):
        rows = apps.get_model("accounts", model).objects.exclude(**{field: ""})
        for row in rows.iterator(chunk_size=100):
            file = getattr(row, field)
            storage, before = file.storage, file.name
            try:
                with storage.open(before, "rb") as stream:
                    copy = read_picture(stream.read(), before).small(SIDE)
            except OSError:
                continue  # the file is not at hand here: whoever runs this may not have the volume
            except PictureRefused:
                setattr(row, field, "")  # initials are shown instead
            else:
                file.save(f"{new_id()}{COPY_SUFFIX}", ContentFile(copy), save=False)
            row.save(update_fields=[field])
            try:
                storage.delete(before)
            except OSError:
                continue  # nothing leads to it any more


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_incident")]

    operations = [migrations.RunPython(write_anew, migrations.RunPython.noop)]
