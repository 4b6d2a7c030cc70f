from django.urls import URLPattern, path

from hevesy.desks.radiopharmacy.views import batches, board, tracing, units

app_name = "radiopharmacy"
urlpatterns: list[URLPattern] = [
    path("", board.home, name="home"),
    path("board/", board.board_alone, name="board"),
    path("trace/", tracing.trace, name="trace"),
    path("batches/new/", batches.new, name="new_batch"),
    path("batches/new/tests/", batches.tests, name="tests"),
    path("batches/<str:number>/", batches.batch, name="batch"),
    path("batches/<str:number>/test/<str:code>/", batches.reading, name="reading"),
    path("batches/<str:number>/<slug:move>/", batches.move, name="move"),
    path("dispense/<int:pk>/", units.dispense_for, name="dispense"),
    path("units/<str:number>/", units.unit, name="unit"),
    path("units/<str:number>/<slug:move>/", units.give_up, name="unit_move"),
]
