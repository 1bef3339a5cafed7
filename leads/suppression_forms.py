"""What is asked before numbers go out to a list, or come in from one."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.models import Export, Suppression
from leads.staff_admin import short_moment
from leads.wording import number

if TYPE_CHECKING:
    ExportChoiceBase = forms.ModelChoiceField[Export]
else:
    ExportChoiceBase = forms.ModelChoiceField

MOST_BYTES = 5 * 1024 * 1024
CONSULTS_OFFERED = 50


class DayInput(forms.DateInput):
    """The browser's own calendar, which needs no script."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class FileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Fichero CSV"),
        help_text=gettext_lazy("Con cabecera: al menos la columna TELEFONO."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            words = _("El fichero pasa de %s: impórtelo en partes.")
            raise forms.ValidationError(words % filesizeformat(MOST_BYTES))
        return file


class NumbersForm(FileForm):
    list = forms.ChoiceField(
        label=gettext_lazy("Lista"), choices=Suppression.List.choices
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Caducan el"),
        required=False,
        widget=DayInput,
        help_text=gettext_lazy("Vacío: no caducan. Ese día ya se les podrá llamar."),
    )

    def clean_expires_on(self) -> datetime | None:
        """The first moment of that day, on the clock of the staff."""
        day: date | None = self.cleaned_data["expires_on"]
        if day is None:
            return None
        if day <= localdate():
            raise forms.ValidationError(_("Esa fecha ya ha pasado."))
        return timezone.make_aware(datetime.combine(day, time.min))


class ConsultForm(forms.Form):
    """Whose numbers are asked. Choices come with their counts."""

    scope = forms.ChoiceField(label=gettext_lazy("Qué números"))

    def __init__(self, *args: Any, scopes: list[tuple[str, str]], **options: Any):
        super().__init__(*args, **options)
        self.fields["scope"] = forms.ChoiceField(
            label=_("Qué números"), choices=scopes, widget=forms.RadioSelect
        )


class ExportChoice(ExportChoiceBase):
    def label_from_instance(self, obj: Any) -> str:
        words = _("%(when)s · %(count)s números")
        return words % {"when": short_moment(obj.at), "count": number(obj.rows)}


class AnswerForm(FileForm):
    export = ExportChoice(
        label=gettext_lazy("Responde a la consulta"),
        queryset=Export.objects.none(),
        required=False,
        empty_label=gettext_lazy("Ninguna de aquí"),
    )
    answered_on = forms.DateField(
        label=gettext_lazy("Fecha de la respuesta"),
        widget=DayInput,
        help_text=gettext_lazy("Desde cuándo consta lo que dice, no la de hoy."),
    )
    all_found = forms.BooleanField(
        label=gettext_lazy("Todos los números preguntados están en la lista"),
        required=False,
        help_text=gettext_lazy(
            "Márquelo solo si el fichero se rechazó por traerlos todos y es cierto."
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        consults = Export.objects.filter(
            format=Export.Format.NUMBERS, finished_at__isnull=False
        ).order_by("-pk")
        # A sliced queryset cannot be asked for one row, so the oldest offered bounds.
        offered = [*consults.values_list("pk", flat=True)[:CONSULTS_OFFERED]]
        field = cast("ExportChoice", self.fields["export"])
        field.queryset = consults.filter(pk__in=offered)

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        day, export = data.get("answered_on"), data.get("export")
        if day and day > localdate():
            self.add_error("answered_on", _("Esa fecha aún no ha llegado."))
        elif day and export and day < localdate(export.at):
            self.add_error("answered_on", _("Es anterior a la consulta."))
        return data
