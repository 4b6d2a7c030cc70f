from django.db import migrations

from hevesy.foundation.audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("exams", "0001_initial")]

    operations = [
        append_only("exams_timelinerow"),
        append_only("exams_interview"),
    ]
