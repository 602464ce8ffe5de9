from typing import ClassVar

from chassis.errors import Conflict, Forbidden, ServiceError


class SignInRefused(ServiceError):
    """One answer for a wrong password, an unknown address and a deactivated user."""

    status: ClassVar[int] = 401
    code: ClassVar[str] = "sign_in_refused"
    title: ClassVar[str] = "E-mail or password is wrong"


class TooManyAttempts(ServiceError):
    status: ClassVar[int] = 429
    code: ClassVar[str] = "too_many_sign_in_attempts"
    title: ClassVar[str] = "Too many sign-in attempts"


class InvalidGrant(ServiceError):
    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_grant"
    title: ClassVar[str] = "The session has ended or never was"


class InvalidClient(ServiceError):
    status: ClassVar[int] = 401
    code: ClassVar[str] = "invalid_client"
    title: ClassVar[str] = "Client id or secret is wrong"


class UnsupportedGrantType(ServiceError):
    status: ClassVar[int] = 400
    code: ClassVar[str] = "unsupported_grant_type"
    title: ClassVar[str] = "Grant types are refresh_token and client_credentials"


class WrongPassword(Forbidden):
    code: ClassVar[str] = "wrong_password"
    title: ClassVar[str] = "The current password is wrong"


class OnlyForPeople(Forbidden):
    code: ClassVar[str] = "only_for_people"
    title: ClassVar[str] = "A service account has no profile"


class EmailTaken(Conflict):
    code: ClassVar[str] = "email_taken"
    title: ClassVar[str] = "Another user has this e-mail address"


class LastAdministrator(Conflict):
    code: ClassVar[str] = "last_administrator"
    title: ClassVar[str] = "Somebody must remain who can administer"


class TeamNameTaken(Conflict):
    code: ClassVar[str] = "team_name_taken"
    title: ClassVar[str] = "Another team has this name"


class ViewNameTaken(Conflict):
    code: ClassVar[str] = "view_name_taken"
    title: ClassVar[str] = "You have a view of this name already"


class NotYourView(Forbidden):
    code: ClassVar[str] = "not_your_view"
    title: ClassVar[str] = "Somebody else shares this view; save it under your own name"


class TooManyKept(Conflict):
    code: ClassVar[str] = "too_many_kept"
    title: ClassVar[str] = "There is no room for more"
