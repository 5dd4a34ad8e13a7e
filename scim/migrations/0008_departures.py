"""A new table of departures: a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0007_inspector'),
    ]

    operations = [
        migrations.CreateModel(
            name='Departure',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True)),
                ('user_id', models.UUIDField()),
                ('undone_at', models.DateTimeField(null=True)),
            ],
        ),
    ]
