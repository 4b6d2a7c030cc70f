from django.db import migrations

from hevesy.foundation.audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("doses", "0001_initial")]
    operations = [
        append_only("doses_assay"),
        append_only("doses_correction"),
        append_only("doses_reaction"),
    ]
