from django.urls import path, register_converter
from django.urls.converters import StringConverter

from hevesy.desks.registration.views import booking, day, exam, patients, search


class _Printable(StringConverter):
    """An examination number in an address: printable ASCII, so that nothing else reaches the database."""

    regex = r"[!-.0-~]{1,40}"


register_converter(_Printable, "exam_number")

app_name = "registration"
urlpatterns = [
    path("", day.day, name="day"),
    path("scan/", day.scan, name="scan"),
    path("waiting/", day.waiting, name="waiting"),
    path("search/", search.search, name="search"),
    path("search/export/", search.export, name="export"),
    path("new/", patients.find, name="new"),
    path("patients/new/", patients.new, name="new_patient"),
    path("patients/new/check/", patients.check, name="check_patient"),
    path("patients/<int:pk>/", patients.patient, name="patient"),
    path("patients/<int:pk>/edit/", patients.edit, name="edit_patient"),
    path("patients/<int:pk>/merge/", patients.merge, name="merge_patient"),
    path("merges/<int:pk>/undo/", patients.unmerge, name="unmerge"),
    path("patients/<int:pk>/book/", booking.book, name="book"),
    path("patients/<int:pk>/book/slots/", booking.slots, name="slots"),
    path("exams/<exam_number:number>/", exam.exam, name="exam"),
    path("exams/<exam_number:number>/edit/", exam.edit, name="edit_exam"),
    path("exams/<exam_number:number>/reschedule/", exam.reschedule, name="reschedule"),
    path("exams/<exam_number:number>/arrive/", exam.arrive, name="arrive"),
    path("exams/<exam_number:number>/move/<str:move>/", exam.move, name="move"),
]
