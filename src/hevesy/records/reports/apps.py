from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "hevesy.records.reports"
    label = "reports"
    verbose_name = _("Reports")

    def ready(self) -> None:
        from hevesy.foundation.audit import verification
        from hevesy.foundation.files import access
        from hevesy.records.reports.queries import broken_versions
        from hevesy.records.reports.reading import may_read_file

        verification.register("reports", broken_versions)
        access.register("report", may_read_file)
