from django.urls import path

from hevesy.desks.registration.views import booking, day, exam, patients, search

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
    path("exams/<str:number>/", exam.exam, name="exam"),
    path("exams/<str:number>/edit/", exam.edit, name="edit_exam"),
    path("exams/<str:number>/reschedule/", exam.reschedule, name="reschedule"),
    path("exams/<str:number>/arrive/", exam.arrive, name="arrive"),
    path("exams/<str:number>/move/<str:move>/", exam.move, name="move"),
    path("exams/<str:number>/slip/", exam.slip, name="slip"),
    path("exams/<str:number>/label/", exam.label, name="label"),
]
