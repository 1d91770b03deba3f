"""Rules for names and languages that are given from now on, and languages that are known for the rows that are there."""

from typing import Any

from django.conf import settings
from django.db import migrations, models

import accounts.models
import accounts.text


def speak_a_known_language(apps: Any, _schema_editor: Any) -> None:
    """REST took any word for a language."""
    known = [code for code, _label in settings.LANGUAGES]
    apps.get_model("accounts", "Organization").objects.exclude(language__in=known).update(language="en")
    apps.get_model("accounts", "User").objects.exclude(language__in=["", *known]).update(language="")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_profile_pictures_written_anew")]

    operations = [
        migrations.AlterField(
            model_name="organization",
            name="language",
            field=models.CharField(
                default="en", max_length=10, validators=[accounts.models.validate_language], verbose_name="language"
            ),
        ),
        migrations.AlterField(
            model_name="organization",
            name="name",
            field=models.CharField(max_length=120, validators=[accounts.text.OneLine()], verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True, max_length=10, validators=[accounts.models.validate_language], verbose_name="language"
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="name",
            field=models.CharField(
                blank=True, max_length=150, validators=[accounts.text.OneLine()], verbose_name="name"
            ),
        ),
        migrations.RunPython(speak_a_known_language, migrations.RunPython.noop),
    ]
