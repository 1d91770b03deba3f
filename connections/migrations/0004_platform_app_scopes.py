from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0003_budgets_and_breakers")]

    operations = [
        migrations.AddField(
            "platformapp", "scopes", models.CharField(blank=True, db_default="", default="", max_length=200)
        )
    ]
