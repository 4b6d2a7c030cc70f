from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExamsConfig(AppConfig):
    name = "hevesy.records.exams"
    label = "exams"
    verbose_name = _("Examinations")

    def ready(self) -> None:
        from hevesy.records.exams.followers import move_exams, patients_by_exam_number
        from hevesy.records.patients import merging
        from hevesy.records.patients.queries import FINDERS

        merging.follow("exams", move_exams)
        FINDERS.append(patients_by_exam_number)
