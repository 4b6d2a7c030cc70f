from django.urls import path

from hevesy.foundation.accounts.views import first, login, people, profile, roles, tokens

app_name = "accounts"
urlpatterns = [
    path("login/", login.login, name="login"),
    path("logout/", login.logout, name="logout"),
    path("ended/", login.ended, name="ended"),
    path("session/", login.session_state, name="session_state"),
    path("session/stay/", login.stay, name="stay"),
    path("first/", first.first_administrator, name="first"),
    path("me/", profile.profile, name="profile"),
    path("me/password/", profile.password, name="password"),
    path("me/prefer/<slug:name>/", profile.prefer, name="prefer"),
    path("me/sessions/<int:pk>/end/", profile.end_session, name="end_session"),
    path("me/phone/", profile.pair, name="pair"),
    path("join/<str:code>/", profile.join, name="join"),
    path("people/", people.people, name="people"),
    path("people/new/", people.new_person, name="new_person"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/roles/", people.person_roles, name="person_roles"),
    path("people/<int:pk>/active/", people.person_active, name="person_active"),
    path("people/<int:pk>/password/", people.person_password, name="person_password"),
    path("people/<int:pk>/unlock/", people.person_unlock, name="person_unlock"),
    path(
        "people/<int:pk>/sessions/<int:session_pk>/end/",
        people.person_session_end,
        name="person_session_end",
    ),
    path("roles/", roles.roles, name="roles"),
    path("roles/<slug:key>/", roles.role, name="role"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke, name="revoke_token"),
]
