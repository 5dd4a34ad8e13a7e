"""Failed attempts to sign in, counted: a new table, a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_oauth'),
    ]

    operations = [
        migrations.CreateModel(
            name='Guesses',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('login', models.CharField(blank=True, db_index=True, max_length=64)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('last_at', models.DateTimeField(db_index=True)),
                ('known_at', models.DateTimeField(null=True)),
                ('unnoted', models.PositiveIntegerField(default=0)),
                ('noted_at', models.DateTimeField(null=True)),
            ],
        ),
    ]
