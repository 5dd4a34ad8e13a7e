"""Rules of a tenant, such as that its admins need a second factor: a new table, a moment at any size."""

import tenants.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_passwords_off'),
    ]

    operations = [
        migrations.CreateModel(
            name='Rule',
            fields=[
                ('name', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('set_at', models.DateTimeField(default=tenants.clock.now)),
            ],
        ),
    ]
