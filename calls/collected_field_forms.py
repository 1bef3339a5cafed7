"""How one collected field is read, as a supervisor writes it down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import collected_fields
from calls.collected_fields import COLUMNS, as_said
from calls.models import CollectedField
from calls.typed_values import (
    FORMATS,
    NO,
    YES,
    YES_OR_NO,
    Choice,
    Format,
    Kind,
    folded,
)

if TYPE_CHECKING:
    FieldFormBase = forms.ModelForm[CollectedField]
else:
    FieldFormBase = forms.ModelForm

LONGEST_NAME = 200
CODE = re.compile(r"[a-z0-9_]{1,30}")
Meaning = CollectedField.Meaning
KIND_OF = {
    Meaning.WISHED_DATE: Kind.DATE,
    Meaning.WISHED_TIME: Kind.TIME,
    Meaning.PREFERS: Kind.CHOICE,
    Meaning.IS_INTERESTED: Kind.YES_NO,
}


class CollectedFieldForm(FieldFormBase):
    """Lists are written one to a line, each answer as `code = Label: word, word`."""

    names = forms.CharField(
        label=gettext_lazy("Variables de Pearl"),
        widget=forms.Textarea(attrs={"rows": 2, "cols": 40}),
        help_text=gettext_lazy(
            "Una por línea, con el identificador que tiene en Pearl. Con varias, vale "
            "la que llegue; si llegan dos distintas, se revisa."
        ),
    )
    formats = forms.MultipleChoiceField(
        label=gettext_lazy("Formatos que se admiten"),
        choices=Format.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Solo cuentan los del tipo elegido. El día va siempre antes que el mes."
        ),
    )
    choices = forms.CharField(
        label=gettext_lazy("Respuestas"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "cols": 60}),
        help_text=gettext_lazy(
            "Una por línea: código = Nombre: palabra, palabra. Las mayúsculas y los "
            "acentos no cuentan. En «sí o no», los códigos son «yes» y «no»."
        ),
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = CollectedField
        fields = COLUMNS

    def __init__(self, *args: Any, **options: Any) -> None:
        instance = options.get("instance")
        if instance is not None:
            written = {
                "names": "\n".join(instance.names),
                "choices": "\n".join(map(_line_of, instance.answers)),
                "seen": instance.version,
            }
            options["initial"] = written | (options.get("initial") or {})
        super().__init__(*args, **options)

    # --- Each alone ---

    def clean_names(self) -> list[str]:
        names = list(_lines(self.cleaned_data["names"]))
        if any(len(name) > LONGEST_NAME for name in names):
            raise forms.ValidationError(_("Hay un identificador demasiado largo."))
        said = [as_said(name) for name in names]
        if len({*said}) < len(said):
            raise forms.ValidationError(_("Hay una variable repetida."))
        others = CollectedField.objects.exclude(pk=self.instance.pk)
        for label, theirs in others.values_list("label", "names"):
            if {*said} & {as_said(name) for name in theirs}:
                raise forms.ValidationError(_("«%s» ya lee esa variable.") % label)
        return names

    def clean_choices(self) -> list[dict[str, Any]]:
        answers = [_answer_of(line) for line in _lines(self.cleaned_data["choices"])]
        codes = [answer.code for answer in answers]
        if len({*codes}) < len(codes):
            raise forms.ValidationError(_("Hay un código repetido."))
        return [
            {"code": one.code, "label": one.label, "words": list(one.words)}
            for one in answers
        ]

    def clean_meaning(self) -> str | None:
        return self.cleaned_data["meaning"] or None

    # --- Together ---

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind, meaning = data.get("kind"), data.get("meaning")
        if self.instance.pk and data.get("seen") != self.instance.version:
            words = _("Otra persona lo cambió mientras tanto: vuelva a abrirlo.")
            raise forms.ValidationError(words)
        if not kind:
            return data
        if meaning and KIND_OF[Meaning(meaning)] != kind:
            words = _("Con ese significado, el tipo ha de ser «%s».")
            self.add_error("kind", words % KIND_OF[Meaning(meaning)].label)
        offered = FORMATS.get(kind, ())
        chosen = data.get("formats") or ()
        data["formats"] = [code for code in offered if code in chosen]
        if offered and not data["formats"]:
            self.add_error("formats", _("Elija al menos uno de los de su tipo."))
        data["ahead"] = bool(data.get("ahead")) and kind in (Kind.DATE, Kind.MOMENT)
        if "choices" in data:
            self._check_answers(kind, data)
        return data

    def _check_answers(self, kind: str, data: dict[str, Any]) -> None:
        answers = [Choice(**one) for one in data["choices"]]
        if kind == Kind.YES_NO:
            if {one.code for one in answers} - {YES, NO}:
                self.add_error("choices", _("Los códigos son «yes» y «no»."))
            answers += YES_OR_NO
        elif kind == Kind.CHOICE and not answers:
            self.add_error("choices", _("Escriba las respuestas que se esperan."))
        elif kind != Kind.CHOICE:
            data["choices"] = []
            return
        codes: dict[str, str] = {}
        for one in answers:
            for word in one.spellings:
                if codes.setdefault(word, one.code) != one.code:
                    words = _("«%s» significaría dos respuestas distintas.")
                    self.add_error("choices", words % word)

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in collected_fields.COLUMNS}


def _lines(text: str) -> Iterator[str]:
    return (line for line in map(str.strip, text.splitlines()) if line)


def _answer_of(line: str) -> Choice:
    code, equals, rest = line.partition("=")
    label, _colon, words = rest.partition(":")
    code, label = code.strip(), label.strip()
    if not equals or not CODE.fullmatch(code) or not folded(label):
        example = "morning = Por la mañana: mañana, mañanas"
        raise forms.ValidationError(
            _("No se entiende «%(line)s». Escriba, por ejemplo: %(example)s")
            % {"line": line[:60], "example": example}
        )
    said = tuple(word.strip() for word in words.split(",") if word.strip())
    return Choice(code=code, label=label[:60], words=said)


def _line_of(answer: Choice) -> str:
    words = f": {', '.join(answer.words)}" if answer.words else ""
    return f"{answer.code} = {answer.label}{words}"
