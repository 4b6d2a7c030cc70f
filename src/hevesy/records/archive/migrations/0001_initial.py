
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('exams', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Instance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sop_instance_uid', models.CharField(max_length=64, unique=True)),
                ('sop_class_uid', models.CharField(max_length=64)),
                ('transfer_syntax_uid', models.CharField(max_length=64)),
                ('number', models.IntegerField(null=True)),
                ('rows', models.PositiveIntegerField(null=True)),
                ('columns', models.PositiveIntegerField(null=True)),
                ('frames', models.PositiveIntegerField(default=1)),
                ('hindrance', models.CharField(blank=True, help_text='why its pixels must not be opened; empty: they may', max_length=40)),
                ('path', models.CharField(max_length=200)),
                ('sha256', models.CharField(help_text='of the data set as received, without group 0002', max_length=64)),
                ('size', models.BigIntegerField(help_text='bytes of the stored file')),
                ('data_set_offset', models.PositiveIntegerField(help_text='where the received data set begins in the stored file')),
                ('received_from', models.CharField(blank=True, max_length=16)),
                ('received_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Series',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('series_instance_uid', models.CharField(max_length=64, unique=True)),
                ('modality', models.CharField(db_index=True, max_length=16)),
                ('number', models.IntegerField(null=True)),
                ('description', models.CharField(blank=True, max_length=64)),
                ('frame_of_reference_uid', models.CharField(blank=True, max_length=64)),
                ('instance_count', models.PositiveIntegerField(default=0)),
                ('header', models.JSONField(default=dict, help_text='radiopharmaceutical, corrections, reconstruction, scanner')),
            ],
        ),
        migrations.CreateModel(
            name='PerformedStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sop_instance_uid', models.CharField(max_length=64, unique=True)),
                ('state', models.CharField(choices=[('IN PROGRESS', 'in progress'), ('COMPLETED', 'completed'), ('DISCONTINUED', 'discontinued')], default='IN PROGRESS', max_length=12)),
                ('performed_step_id', models.CharField(blank=True, max_length=16)),
                ('modality', models.CharField(blank=True, max_length=16)),
                ('station_ae_title', models.CharField(blank=True, max_length=16)),
                ('received_from', models.CharField(max_length=16)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('attributes', models.JSONField(default=dict, help_text='the data set as DICOM JSON (PS3.18 F), later values over earlier')),
                ('note', models.CharField(blank=True, help_text='why the examination was not moved; empty: it was', max_length=60)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('step', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='performed', to='exams.examstep')),
            ],
        ),
        migrations.CreateModel(
            name='Refusal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('conflict', 'same UID, other content'), ('refused', 'refused')], max_length=12)),
                ('sop_instance_uid', models.CharField(blank=True, db_index=True, max_length=64)),
                ('path', models.CharField(blank=True, max_length=200)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('reason', models.CharField(help_text='a key of refusals.REASONS', max_length=60)),
                ('received_from', models.CharField(blank=True, max_length=16)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('settled_at', models.DateTimeField(null=True)),
                ('instance', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='archive.instance')),
            ],
        ),
        migrations.CreateModel(
            name='PreparedVolume',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_id', models.CharField(blank=True, db_index=True, max_length=64)),
                ('state', models.CharField(choices=[('preparing', 'preparing'), ('ready', 'ready'), ('failed', 'failed')], default='preparing', max_length=10)),
                ('progress', models.FloatField(default=0)),
                ('message', models.CharField(blank=True, max_length=300)),
                ('header', models.JSONField(default=dict)),
                ('made_at', models.DateTimeField(null=True)),
                ('series', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='volume', to='archive.series')),
            ],
        ),
        migrations.AddField(
            model_name='instance',
            name='series',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='instances', to='archive.series'),
        ),
        migrations.CreateModel(
            name='Study',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('study_instance_uid', models.CharField(max_length=64, unique=True)),
                ('match', models.CharField(choices=[('unmatched', 'unmatched'), ('automatic', 'matched automatically'), ('manual', 'linked by a person')], db_index=True, default='unmatched', max_length=10)),
                ('mismatch', models.JSONField(default=list, help_text='what spoke against a match, for the person who decides')),
                ('patient_id', models.CharField(blank=True, max_length=64)),
                ('patient_name', models.CharField(blank=True, max_length=200)),
                ('patient_sex', models.CharField(blank=True, max_length=16)),
                ('patient_birth_date', models.CharField(blank=True, max_length=10)),
                ('accession_number', models.CharField(blank=True, db_index=True, max_length=16)),
                ('study_date', models.CharField(blank=True, db_index=True, max_length=8)),
                ('study_time', models.CharField(blank=True, max_length=14)),
                ('study_id', models.CharField(blank=True, max_length=16)),
                ('description', models.CharField(blank=True, max_length=64)),
                ('referring_physician', models.CharField(blank=True, max_length=200)),
                ('received_from', models.CharField(blank=True, help_text='AE title that sent its first object', max_length=16)),
                ('modalities', models.JSONField(default=list)),
                ('series_count', models.PositiveIntegerField(default=0)),
                ('instance_count', models.PositiveIntegerField(default=0)),
                ('size', models.BigIntegerField(default=0)),
                ('received_at', models.DateTimeField(auto_now_add=True)),
                ('last_received_at', models.DateTimeField(db_index=True)),
                ('stable_at', models.DateTimeField(db_index=True, help_text='when it was last found quiet and counted; empty while objects come in', null=True)),
                ('exam', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='studies', to='exams.exam')),
            ],
        ),
        migrations.AddField(
            model_name='series',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='series', to='archive.study'),
        ),
    ]
