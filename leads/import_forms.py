"""What a person says of a file of leads: where it is from, what its columns mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.import_process import MEGABYTE, MOST_BYTES, MOST_ROWS
from leads.models import ImportSource, LeadImport
from leads.wording import number

if TYPE_CHECKING:
    from leads.importing import Sheet

NEEDED = "phone"
SAMPLES = 3
LONGEST_SOURCE = 100
LONGEST_CONSENT_SOURCE = 200


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Fichero"),
        error_messages={
            "required": gettext_lazy("Elija el fichero que quiere importar."),
            "empty": gettext_lazy(
                "El fichero está vacío: compruebe que es el que quería importar."
            ),
        },
        help_text=format_lazy(
            gettext_lazy(
                "CSV, XLSX o XLS, con una cabecera y una fila por persona: hasta "
                "{rows} filas y {size} MB. La única columna necesaria es el teléfono; "
                "en el paso siguiente se dice qué es cada columna."
            ),
            rows=number(MOST_ROWS),
            size=MOST_BYTES // MEGABYTE,
        ),
        widget=forms.FileInput(
            attrs={
                "accept": ".csv,.tsv,.txt,.xlsx,.xls",
                "class": "drop",
                "data-max-bytes": MOST_BYTES,
                "data-too-large": format_lazy(
                    gettext_lazy("Pasa de {size} MB: pártalo en varios ficheros."),
                    size=MOST_BYTES // MEGABYTE,
                ),
            }
        ),
    )
    source = forms.CharField(
        label=gettext_lazy("Procedencia"),
        max_length=LONGEST_SOURCE,
        required=False,
        help_text=gettext_lazy(
            "De quién viene: una delegación, una campaña. Con el mismo nombre, la "
            "próxima vez se recuerdan las columnas."
        ),
        widget=forms.TextInput(
            attrs={"list": "sources", "autocomplete": "off", "class": "vTextField"}
        ),
    )
    consent_source = forms.CharField(
        label=gettext_lazy("Dónde consta el consentimiento"),
        max_length=LONGEST_CONSENT_SOURCE,
        required=False,
        help_text=gettext_lazy(
            "Si estas personas aceptaron llamadas automáticas, dónde está guardado: "
            "«Formulario web, 2026». Vale para las filas que no digan otra cosa. Si se "
            "deja vacío, el consentimiento no consta y las campañas que lo exigen no "
            "les llaman."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "vTextField"}),
    )

    def import_source(self) -> ImportSource | None:
        """None: it was left empty."""
        name = " ".join(self.cleaned_data["source"].split())
        return ImportSource.objects.get_or_create(name=name)[0] if name else None


@dataclass(frozen=True, kw_only=True)
class FileColumn:
    """A row of the table of columns: what the file has, and what to make of it."""

    header: str
    samples: Sequence[str]
    field: forms.BoundField


class ColumnsForm(forms.Form):
    """One choice for each column of the file."""

    consent_source = forms.CharField(
        label=gettext_lazy("Dónde consta el consentimiento"),
        max_length=LONGEST_CONSENT_SOURCE,
        required=False,
        help_text=gettext_lazy(
            "Vacío: solo consta el de las filas cuya columna de consentimiento lo diga."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "vTextField"}),
    )
    update_existing = forms.BooleanField(
        label=gettext_lazy("Actualizar los leads que ya están"),
        required=False,
        help_text=gettext_lazy(
            "Con lo que traiga el fichero; una casilla vacía no borra nada. Sin "
            "marcar, los que ya están se quedan como están."
        ),
    )

    def __init__(
        self, data: Mapping[str, Any] | None, *, sheet: Sheet, record: LeadImport
    ) -> None:
        initial = {
            "consent_source": record.consent_source,
            "update_existing": record.update_existing,
        }
        super().__init__(data, initial=initial)
        self.sheet = sheet
        fields = [(name, capfirst(label)) for name, label in sheet.fields]
        for at, header in enumerate(sheet.header):
            self.fields[f"column_{at}"] = forms.ChoiceField(
                label=header,
                choices=[("", _("No importar")), *fields],
                required=False,
                initial=sheet.suggested.get(header, ""),
            )

    def columns(self) -> Iterator[FileColumn]:
        for at in range(len(self.sheet.header)):
            field = self[f"column_{at}"]
            cells = [row[at] for row in self.sheet.sample if at < len(row)]
            samples = [cell for cell in cells if cell.strip()][:SAMPLES]
            yield FileColumn(header=str(field.label), samples=samples, field=field)

    def mapping(self) -> dict[str, str]:
        """By header, the field of the lead; "" is not kept."""
        return {
            header: self.cleaned_data[f"column_{at}"]
            for at, header in enumerate(self.sheet.header)
        }

    def clean(self) -> dict[str, Any]:
        taken: dict[str, str] = {}
        for at, header in enumerate(self.sheet.header):
            name = f"column_{at}"
            field = self.cleaned_data.get(name, "")
            if field and field in taken:
                words = _("Ya es lo que trae «%s»: elija otro campo o no la importe.")
                self.add_error(name, words % taken[field])
            elif field:
                taken[field] = header
        if NEEDED not in taken:
            words = _(
                "Falta el teléfono: elija «Teléfono» en la columna que lo trae. Sin él "
                "no se puede llamar ni saber quién está repetido."
            )
            self.add_error(None, words)
        return self.cleaned_data
