"""A lead is placed by what it says of itself, and by nothing when that contradicts."""

from __future__ import annotations

import pytest
from holidays.countries.spain import Spain
from hypothesis import given
from hypothesis import strategies as st

from leads.places import COMMUNITIES, PROVINCES, UNKNOWN, Place, place_of

MOBILE = "+34612345678"
MADRID = "Europe/Madrid"
CANARY = "Atlantic/Canary"

# Written by community, not by prefix, so that it is not a copy of the table.
PREFIXES = {
    "AN": "04 11 14 18 21 23 29 41",
    "AR": "22 44 50",
    "AS": "33",
    "CB": "39",
    "CE": "51",
    "CL": "05 09 24 34 37 40 42 47 49",
    "CM": "02 13 16 19 45",
    "CN": "35 38",
    "CT": "08 17 25 43",
    "EX": "06 10",
    "GA": "15 27 32 36",
    "IB": "07",
    "MC": "30",
    "MD": "28",
    "ML": "52",
    "NC": "31",
    "PV": "01 20 48",
    "RI": "26",
    "VC": "03 12 46",
}
COMMUNITY_OF = {p: c for c, prefixes in PREFIXES.items() for p in prefixes.split()}


def by_postal_code(text):
    return place_of(postal_code=text, province="", phone_e164=MOBILE)


def by_province(text):
    return place_of(postal_code="", province=text, phone_e164=MOBILE)


def by_phone(e164):
    return place_of(postal_code="", province="", phone_e164=e164)


def test_the_table_holds_the_52_provinces_and_communities_that_have_holidays():
    assert sorted(COMMUNITY_OF) == [f"{n:02}" for n in range(1, 53)]
    assert sorted(PROVINCES) == sorted(COMMUNITY_OF)
    communities = {code for code in Spain.subdivisions if len(code) == 2}
    assert set(PREFIXES) == COMMUNITIES == communities


@pytest.mark.parametrize("prefix", sorted(COMMUNITY_OF))
def test_every_postal_prefix_names_its_community_and_its_clock(prefix):
    place = by_postal_code(f"{prefix}001")

    assert place.community == COMMUNITY_OF[prefix]
    assert place.time_zone == (CANARY if prefix in ("35", "38") else MADRID)


@pytest.mark.parametrize(
    ("text", "community"),
    [
        ("8001", "CT"),
        ("1001", "PV"),
        ("8001.0", "CT"),
        ("28001.0", "MD"),
        (" 28001 ", "MD"),
        ("'08001", "CT"),
        ("\xa028001\u200b", "MD"),
        ("E-28001", "MD"),
        ("３８００１", "CN"),
        ("00001", ""),
        ("0800", ""),
        ("53001", ""),
        ("99999", ""),
        ("801", ""),
        ("280011", ""),
        ("2800 1", ""),
        ("28OO1", ""),
        ("no", ""),
        ("", ""),
    ],
)
def test_only_the_zero_that_excel_ate_is_restored(text, community):
    assert by_postal_code(text).community == community
    assert bool(by_postal_code(text).time_zone) is bool(community)


@pytest.mark.parametrize(
    ("community", "names"),
    [
        (
            "AN",
            "Sevilla|CÁDIZ|cordoba|Jaén|JAEN|Málaga|Almería|Huelva|Granada|Andalucía",
        ),
        ("AR", "Zaragoza|Huesca|Teruel"),
        ("AS", "Asturias|Principado de Asturias|Asturies|Oviedo"),
        ("CB", "Cantabria|Santander"),
        ("CE", "Ceuta|Ciudad Autónoma de Ceuta"),
        ("CL", "León|Ávila|AVILA|Burgos|Palencia|Salamanca|Segovia|Soria|Zamora"),
        ("CL", "Valladolid|Castilla y León"),
        ("CM", "Ciudad Real|Toledo|Cuenca|Albacete|Guadalajara|Castilla-La Mancha"),
        (
            "CT",
            "Gerona|Girona|Gerona/Girona|Girona (Gerona)|Lérida|LLEIDA|Lleida/Lérida",
        ),
        ("CT", "Barcelona|Tarragona|Catalunya|Provincia de Barcelona"),
        ("EX", "Cáceres|Badajoz"),
        (
            "GA",
            "Coruña, A|La Coruña|A Coruña|Coruña (La)|CORUÑA|A CORUNA|Orense|Ourense",
        ),
        ("GA", "Lugo|Pontevedra"),
        ("IB", "Illes Balears|Balears, Illes|Baleares|Islas Baleares|Mallorca|Ibiza"),
        ("IB", "Palma de Mallorca|Eivissa|Menorca"),
        ("MC", "Murcia|Región de Murcia"),
        ("MD", "Madrid|MADRID |Comunidad de Madrid|Madrid (Comunidad de)"),
        ("ML", "Melilla"),
        ("NC", "Navarra|Nafarroa|Comunidad Foral de Navarra|Navarra/Nafarroa"),
        ("PV", "Vizcaya|Bizkaia|Vizcaya/Bizkaia|Guipúzcoa|Gipuzkoa|Álava|Araba"),
        ("PV", "Araba/Álava|Araba-Álava|ALAVA|Vitoria-Gasteiz"),
        ("RI", "La Rioja|Rioja, La|Logroño"),
        (
            "VC",
            "Alicante|Alicante/Alacant|Castellón|Castellón/Castelló|Castelló|Valencia",
        ),
        ("VC", "Valencia/València|Castellón de la Plana|Comunitat Valenciana"),
    ],
)
def test_a_province_is_known_by_every_name_people_give_it(community, names):
    for name in names.split("|"):
        assert by_province(name) == Place(community=community, time_zone=MADRID), name


@pytest.mark.parametrize(
    "name",
    [
        "Las Palmas",
        "LAS PALMAS",
        "Palmas, Las",
        "Palmas (Las)",
        "Las Palmas de Gran Canaria",
        "Las Palmas de G.C.",
        "Santa Cruz de Tenerife",
        "Sta. Cruz de Tenerife",
        "Sta Cruz De Tenerife",
        "S.C. Tenerife",
        "S/C de Tenerife",
        "Tenerife",
        "Gran Canaria",
        "Lanzarote",
        "Canarias",
    ],
)
def test_the_canary_islands_keep_their_own_clock(name):
    assert by_province(name) == Place(community="CN", time_zone=CANARY)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-",
        "/",
        "Palma",
        "La Palma",
        "Santa Cruz",
        "Ciudad",
        "Francia",
        "Madrid/Toledo",
    ],
)
def test_a_name_that_fits_no_province_or_two_places_nobody(name):
    assert by_province(name) == UNKNOWN


@pytest.mark.parametrize(
    ("prefixes", "community", "time_zone"),
    [
        ("91 81", "MD", MADRID),
        ("93 83", "CT", MADRID),
        ("922 822 928 828", "CN", CANARY),
        ("971 871", "IB", MADRID),
        ("943 843 944 846 945", "PV", MADRID),
        ("981 881 986 886 982 988", "GA", MADRID),
        ("954 955 854 855 957 958 959 950 953", "AN", MADRID),
        ("960 961 963 860 965 966 865 964", "VC", MADRID),
        ("968 868", "MC", MADRID),
        ("984 985 884 885", "AS", MADRID),
        ("941 841", "RI", MADRID),
        ("948 848", "NC", MADRID),
        ("976 876 974 978", "AR", MADRID),
        # Shared with Ceuta and with Melilla: the clock is known, the holidays are not.
        ("956 856 951 952 851 852", "", MADRID),
    ],
)
def test_a_landline_places_who_gave_no_address(prefixes, community, time_zone):
    for prefix in prefixes.split():
        place = by_phone("+34" + prefix.ljust(9, "5"))

        assert place == Place(community=community, time_zone=time_zone), prefix


@pytest.mark.parametrize(
    "e164",
    [
        "",
        MOBILE,
        "+34712345678",
        "+34900123456",
        "+34940555555",
        "+3491",
        "+33142685300",
    ],
)
def test_a_number_without_a_province_places_nobody(e164):
    assert by_phone(e164) == UNKNOWN


@pytest.mark.parametrize(
    ("postal_code", "province", "phone", "place"),
    [
        ("28001", "Madrid", MOBILE, Place(community="MD", time_zone=MADRID)),
        ("28001", "no sé", MOBILE, Place(community="MD", time_zone=MADRID)),
        ("99999", "Madrid", MOBILE, Place(community="MD", time_zone=MADRID)),
        ("28001", "", "", Place(community="MD", time_zone=MADRID)),
        ("41001", "Cádiz", MOBILE, Place(community="AN", time_zone=MADRID)),
        ("28001", "Toledo", MOBILE, Place(community="", time_zone=MADRID)),
        ("28001", "Tenerife", MOBILE, UNKNOWN),
        ("3800", "Tenerife", MOBILE, UNKNOWN),
        ("35001", "Tenerife", MOBILE, Place(community="CN", time_zone=CANARY)),
        # The address tells the holidays, yet the phone rings by another clock.
        ("28001", "", "+34928555555", Place(community="MD", time_zone="")),
        ("35001", "", "+34915550147", Place(community="CN", time_zone="")),
        ("28001", "", "+34935550147", Place(community="MD", time_zone=MADRID)),
        # Nobody knows which clock the bearer of a foreign number reads.
        ("28001", "Madrid", "+12125552368", UNKNOWN),
    ],
)
def test_only_what_the_sources_agree_on_stands(postal_code, province, phone, place):
    found = place_of(postal_code=postal_code, province=province, phone_e164=phone)

    assert found == place


@given(st.text(), st.text(), st.text())
def test_any_text_is_placed_in_spain_or_nowhere(postal_code, province, phone):
    place = place_of(postal_code=postal_code, province=province, phone_e164=phone)

    assert place.community in {"", *PREFIXES}
    assert place.time_zone in ("", MADRID, CANARY)


names = [name for _c, _p, names in PROVINCES.values() for name in names.split(",")]


@given(st.sampled_from(names), st.sampled_from([str.upper, str.lower, str.title]))
def test_case_and_accents_do_not_move_a_province(name, case):
    plain = name.translate(str.maketrans("áéíóúñÁÉÍÓÚÑü", "aeiounAEIOUNu"))

    assert by_province(case(name)) == by_province(case(plain)) != UNKNOWN
