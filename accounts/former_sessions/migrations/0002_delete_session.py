"""Nobody has read or written the table since sessions are rows of `accounts_session`: it goes, in a moment."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('sessions', '0001_initial'),
    ]

    operations = [
        migrations.DeleteModel(name='Session'),
    ]
