from io import BytesIO

from django.db import migrations, models
from PIL import Image


def mark_animated(apps, schema_editor):
    """Which of the kept pictures move. A file that cannot be read stays unmarked."""
    assets = apps.get_model("publishing", "MediaAsset").objects
    for asset in assets.exclude(content_type="image/jpeg").only("file").iterator(chunk_size=100):
        try:
            with asset.file.storage.open(asset.file.name, "rb") as stream:
                moves = getattr(Image.open(BytesIO(stream.read())), "is_animated", False)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
        if moves:
            assets.filter(pk=asset.pk).update(is_animated=True)


class Migration(migrations.Migration):
    dependencies = [("publishing", "0003_pacing")]

    operations = [
        migrations.AddField("mediaasset", "is_animated", models.BooleanField(db_default=False, default=False)),
        migrations.AddField(
            "mediaasset", "converted_from", models.CharField(blank=True, db_default="", default="", max_length=100)
        ),
        migrations.RunPython(mark_animated, migrations.RunPython.noop),
    ]
