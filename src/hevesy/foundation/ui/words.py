"""The sentences that the page's own scripts show, in the language of the request."""

from __future__ import annotations

from django.utils.translation import gettext as _


def words() -> dict[str, str]:
    """Key to sentence. `{name}` is filled in by the script."""
    return {
        "network_title": _("No connection to the server"),
        "network_text": _("Nothing was lost on this page. Check the network, then try again."),
        "server_title": _("The server could not finish this"),
        "server_text": _(
            "Nothing was changed. Try again; if it stays, tell the engineer the number."
        ),
        "invalid_title": _("Please check what you entered"),
        "refused_title": _("Not done"),
        "forbidden_title": _("You may not do this"),
        "gone_title": _("You are logged out"),
        "gone_text": _("Log in again; what you typed on this page stays here until you leave it."),
        "missing_title": _("This is no longer here"),
        "missing_text": _("Somebody else may have changed it. Refresh the list."),
        "busy_title": _("Too many requests"),
        "busy_text": _("Wait a moment, then try again."),
        "reference": _("Number {reference}"),
        "close": _("Close"),
        "lost_title": _("Live updates are interrupted"),
        "lost_text": _("What you see may be old since {time}. Reconnecting by itself."),
        "back": _("Live updates are back"),
        "updates": _("{number} updates"),
        "show_updates": _("Show"),
        "scan_ready": _("Ready to scan"),
        "scan_away": _("Click here to go on scanning"),
        "scan_reading": _("Reading the code…"),
        "scan_twice": _("Scanned twice: counted once"),
        "scan_short": _("The scan was cut short. Scan again."),
        "drift": _("This PC's clock is {seconds} s off"),
        "minutes": _("{number} min"),
        "past": _("+{number} min"),
        "to_target": _("To target"),
        "in_window": _("In window, left"),
        "past_window": _("Past the window"),
        "at_target": _("Target time reached"),
        "window_ends": _("The window ends now"),
        "stale": _("Too old to show"),
        "copied": _("Copied"),
        "leave": _("What you typed is not saved yet."),
        "caps": _("Caps lock is on"),
        "show": _("Show"),
        "hide": _("Hide"),
    }
