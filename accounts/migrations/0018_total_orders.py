"""Orders in which no two rows are equal. Changes nothing in the database."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_logo'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='clientsecret',
            options={'ordering': ['-created_at', 'pk']},
        ),
        migrations.AlterModelOptions(
            name='oauthclient',
            options={'ordering': ['-created_at', 'pk'], 'verbose_name': 'OAuth client'},
        ),
        migrations.AlterModelOptions(
            name='secrettoken',
            options={'ordering': ['-created_at', 'pk']},
        ),
    ]
