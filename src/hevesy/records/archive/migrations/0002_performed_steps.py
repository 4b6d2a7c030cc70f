import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def copy_the_one_step(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    performed = apps.get_model("archive", "PerformedStep")
    link = performed.steps.through
    rows = performed.objects.exclude(step=None).values_list("pk", "step_id")
    link.objects.bulk_create(
        [link(performedstep_id=pk, examstep_id=step_id) for pk, step_id in rows.iterator()],
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [("archive", "0001_initial"), ("exams", "0002_append_only")]

    operations = [
        migrations.AlterField(
            model_name="performedstep",
            name="step",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="exams.examstep",
            ),
        ),
        migrations.AddField(
            model_name="performedstep",
            name="steps",
            field=models.ManyToManyField(
                help_text="one acquisition may fulfil several",
                related_name="performed",
                to="exams.examstep",
            ),
        ),
        migrations.RunPython(copy_the_one_step, migrations.RunPython.noop),
    ]
