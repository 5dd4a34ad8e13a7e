"""Orders in which no two rows are equal. Changes nothing in the database."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0018_indexes_that_grow_at_their_end'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='delivery',
            options={'ordering': ['-event_id', 'pk'], 'verbose_name_plural': 'delivery log'},
        ),
        migrations.AlterModelOptions(
            name='eventstream',
            options={'ordering': ['-created_at', 'pk']},
        ),
        migrations.AlterModelOptions(
            name='extensionschema',
            options={'ordering': ['created_at', 'urn_key'], 'verbose_name': 'extension schema'},
        ),
    ]
