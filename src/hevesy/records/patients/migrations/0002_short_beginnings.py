from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

SHORT = 5
AT_ONCE = 2000


def write_beginnings(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    keys = apps.get_model("patients", "SearchKey")
    last = keys.objects.order_by("-patient_id").values_list("patient_id", flat=True).first() or 0
    for first in range(1, last + 1, AT_ONCE):
        rows = keys.objects.filter(patient_id__gte=first, patient_id__lt=first + AT_ONCE)
        wanted = {
            (patient, f"b{key[1 : letters + 1]}")
            for patient, key in rows.values_list("patient_id", "key")
            if key[0] in "pi"
            for letters in range(1, SHORT + 1)
        }
        keys.objects.bulk_create(
            (keys(patient_id=patient, key=key) for patient, key in sorted(wanted)), batch_size=1000
        )


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="searchkey", name="one_key_per_patient"),
        migrations.AddConstraint(
            model_name="searchkey",
            constraint=models.UniqueConstraint(
                fields=["key", "patient"], name="one_key_per_patient"
            ),
        ),
        migrations.RunPython(write_beginnings, migrations.RunPython.noop),
    ]
