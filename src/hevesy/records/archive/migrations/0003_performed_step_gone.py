from django.db import migrations


class Migration(migrations.Migration):
    # Apart from the copying: PostgreSQL alters no table whose rows of the same transaction await their checks.
    dependencies = [("archive", "0002_performed_steps")]

    operations = [migrations.RemoveField(model_name="performedstep", name="step")]
