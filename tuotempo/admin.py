"""The people and their roles in the admin, in forms that everybody can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest

if TYPE_CHECKING:
    UserBase = UserAdmin[User]
else:
    UserBase = UserAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class PeopleAdmin(UserBase):
    """Django's, without its chooser of two lists, which a screen reader cannot use."""

    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(Group)
class RolesAdmin(GroupAdmin):
    filter_horizontal = ()
