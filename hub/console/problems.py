"""What a page cannot do, in words for its reader."""

from __future__ import annotations

from hub.console.i18n import _


class PageProblem(Exception):
    """
    Answered with a page that says what is wrong and what to do; both marked by `_`.

    `values` are filled into both.
    """

    def __init__(self, status: int, title: str, cure: str = "", **values: object) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.cure = cure
        self.values = values


class NotSignedIn(Exception):
    """The page is for those who have signed in; answered by the way there."""


def not_found(title: str = _("There is no such page"), cure: str = "", **values: object) -> PageProblem:
    """What does not exist, or not for this user: the two are not told apart."""
    return PageProblem(
        404, title, cure or _("Look at the address, or go to another page from the menu."), **values
    )


def forbidden() -> PageProblem:
    return PageProblem(
        403,
        _("Your role does not allow this"),
        _("Ask somebody with a higher role to do it, or an administrator to change yours."),
    )
