"""The state of a tenant has its open problems as a condition: an index by tenant for them, and a reach less.

The index is of open problems alone, thousands of rows in the largest installation: milliseconds.
"""

from django.db import migrations, models

_CHOICES = [("all", "Every request"), ("credential", "Every request with this credential")]


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0020_certificates_expire'),
    ]

    operations = [
        *(
            migrations.AlterField(
                model_name=model,
                name='failed_reach',
                field=models.CharField(blank=True, choices=_CHOICES, max_length=10),
            )
            for model in ('traffic', 'credentialtraffic')
        ),
        migrations.AddIndex(
            model_name='problem',
            index=models.Index(
                condition=models.Q(('muted_at__isnull', True), ('settled_at__isnull', True)),
                fields=['tenant', '-last_at'],
                name='tenants_problem_open_each',
            ),
        ),
        migrations.RemoveIndex(model_name='problem', name='tenants_problem_open'),
    ]
