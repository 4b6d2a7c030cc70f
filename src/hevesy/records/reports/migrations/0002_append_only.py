from django.db import migrations

from hevesy.foundation.audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [append_only("reports_reportversion")]
