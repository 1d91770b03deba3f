"""A trigger on the audit table: no code path, and no hurried SQL, updates or deletes an event."""

from django.db import migrations

POSTGRES = """
CREATE FUNCTION parley_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit events are append-only';
END $$;
CREATE TRIGGER parley_audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
  FOR EACH ROW EXECUTE FUNCTION parley_audit_append_only();
"""
SQLITE = [
    "CREATE TRIGGER parley_audit_no_update BEFORE UPDATE ON accounts_auditevent "
    "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END",
    "CREATE TRIGGER parley_audit_no_delete BEFORE DELETE ON accounts_auditevent "
    "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END",
]


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRES)
    else:
        for statement in SQLITE:
            schema_editor.execute(statement)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER parley_audit_append_only ON accounts_auditevent")
        schema_editor.execute("DROP FUNCTION parley_audit_append_only()")
    else:
        schema_editor.execute("DROP TRIGGER parley_audit_no_update")
        schema_editor.execute("DROP TRIGGER parley_audit_no_delete")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
