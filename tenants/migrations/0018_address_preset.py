"""Networks that somebody publishes as their own: a new table of the registry, a moment."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0017_reconciliation'),
    ]

    operations = [
        migrations.CreateModel(
            name='AddressPreset',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('published_on', models.DateField()),
                ('networks', models.TextField()),
                ('updated_at', models.DateTimeField()),
                ('updated_by', models.CharField(max_length=200)),
            ],
        ),
    ]
