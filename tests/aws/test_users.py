"""AdminGetUser and ListUsers."""

import pytest

from conftest import import_file, make_pool

ROWS = """\
cognito:username,email,email_verified,phone_number,phone_number_verified,given_name,cognito:mfa_enabled,custom:team
Ann,ann@example.com,true,+14155550101,false,Ann,true,ops
bea,Bea@Example.com,true,+14155550102,false,"Be ""B"" a",false,dev
cem,cem@example.org,true,,,,,
dot,dot@example.org,true,+442071838750,,Dot,,
"""


@pytest.fixture(scope="module")
def pool(idp):
    pool = make_pool(idp, "users", MfaConfiguration="OPTIONAL", Schema=[{"Name": "team"}])
    assert import_file(idp, pool, ROWS.encode())["ImportedUsers"] == 4
    return pool


def names(idp, pool, **options):
    return [user["Username"] for user in idp.list_users(UserPoolId=pool, **options)["Users"]]


def attributes(listed):
    return {attribute["Name"]: attribute["Value"] for attribute in listed}


def test_a_user_is_answered_whole(idp, pool):
    user = idp.admin_get_user(UserPoolId=pool, Username="ANN")
    assert user["Username"] == "Ann" and user["Enabled"] is True
    assert user["UserStatus"] == "RESET_REQUIRED"
    assert user["UserCreateDate"] == user["UserLastModifiedDate"]
    found = attributes(user["UserAttributes"])
    sub = found.pop("sub")
    assert len(sub) == 36
    assert found == {
        "email": "ann@example.com",
        "email_verified": "true",
        "phone_number": "+14155550101",
        "phone_number_verified": "false",
        "given_name": "Ann",
        "custom:team": "ops",
    }
    assert user["UserMFASettingList"] == ["SMS_MFA"] and user["PreferredMfaSetting"] == "SMS_MFA"
    assert "PreferredMfaSetting" not in idp.admin_get_user(UserPoolId=pool, Username="bea")


def test_nobody(idp, pool):
    with pytest.raises(idp.exceptions.UserNotFoundException) as caught:
        idp.admin_get_user(UserPoolId=pool, Username="nobody@example.com")
    assert caught.value.response["Error"]["Message"] == "User does not exist."


def test_by_an_alias(idp):
    pool = make_pool(idp, AliasAttributes=["email", "preferred_username"])
    rows = b"cognito:username,email,email_verified,preferred_username\nann,Ann@example.com,true,nan\n"
    assert import_file(idp, pool, rows)["ImportedUsers"] == 1
    for name in ("ann", "ann@example.com", "NAN"):
        assert idp.admin_get_user(UserPoolId=pool, Username=name)["Username"] == "ann"
    with pytest.raises(idp.exceptions.UserNotFoundException):
        idp.admin_get_user(UserPoolId=pool, Username="an")


@pytest.mark.parametrize(
    "filter, expected",
    [
        ('username = "ann"', ["Ann"]),
        ('username = "an"', []),
        ('username ^= "B"', ["bea"]),
        ('email = "bea@example.COM"', ["bea"]),
        ('email ^= "c"', ["cem"]),
        ('email ^= "x"', []),
        ('phone_number = "+14155550102"', ["bea"]),
        ('phone_number ^= "+1415"', ["Ann", "bea"]),
        ('given_name = "Be \\"B\\" a"', ["bea"]),
        ('cognito:user_status = "reset_required"', ["Ann", "bea", "cem", "dot"]),
        ('cognito:user_status = "CONFIRMED"', []),
        ('cognito:user_status ^= "RESET"', ["Ann", "bea", "cem", "dot"]),
        ('status = "Enabled"', ["Ann", "bea", "cem", "dot"]),
        ('status = "Disabled"', []),
        ('"email"="dot@example.org"', ["dot"]),
        ("", ["Ann", "bea", "cem", "dot"]),
        ('email = "%"', []),
        ('email ^= "_"', []),
    ],
)
def test_filters(idp, pool, filter, expected):
    assert names(idp, pool, Filter=filter) == expected


def test_a_filter_by_sub(idp, pool):
    user = idp.admin_get_user(UserPoolId=pool, Username="cem")
    sub = attributes(user["UserAttributes"])["sub"]
    assert names(idp, pool, Filter=f'sub = "{sub}"') == ["cem"]
    assert "cem" in names(idp, pool, Filter=f'sub ^= "{sub[:8].upper()}"')


@pytest.mark.parametrize(
    "filter",
    ["email", 'email = "a', "email = a", 'email > "a"', 'custom:team = "ops"', 'address = "x"',
     'email = "a" or email = "b"', 'email = "a\x00"'],
)  # fmt: skip
def test_filters_that_are_none(idp, pool, filter):
    with pytest.raises(idp.exceptions.InvalidParameterException):
        names(idp, pool, Filter=filter)


def test_a_filter_of_257_characters(idp, loose, pool):
    filter = f'email = "{"x" * 247}"'
    assert names(idp, pool, Filter=filter[:-2] + '"') == []
    with pytest.raises(idp.exceptions.InvalidParameterException) as caught:
        loose.list_users(UserPoolId=pool, Filter=filter)
    assert "length less than or equal to 256" in str(caught.value)


def test_pages(idp, pool):
    first = idp.list_users(UserPoolId=pool, Limit=3)
    second = idp.list_users(UserPoolId=pool, Limit=3, PaginationToken=first["PaginationToken"])
    listed = [user["Username"] for user in first["Users"] + second["Users"]]
    assert listed == ["Ann", "bea", "cem", "dot"]
    assert "PaginationToken" not in second
    assert len(idp.list_users(UserPoolId=pool, Limit=0)["Users"]) == 4
    paginator = idp.get_paginator("list_users").paginate(
        UserPoolId=pool, Filter='phone_number ^= "+"', PaginationConfig={"PageSize": 1}
    )
    assert [page["Users"][0]["Username"] for page in paginator] == ["Ann", "bea", "dot"]


def test_a_token_is_good_for_its_filter(idp, pool):
    page = idp.list_users(UserPoolId=pool, Limit=1, Filter='status = "Enabled"')
    token = page["PaginationToken"]
    for other in ('status ^= "Enabled"', 'status = "Disabled"', ""):
        with pytest.raises(idp.exceptions.InvalidParameterException):
            idp.list_users(UserPoolId=pool, Filter=other, PaginationToken=token)


def test_chosen_attributes(idp, pool):
    users = idp.list_users(UserPoolId=pool, AttributesToGet=["sub", "custom:team"])["Users"]
    found = [set(attributes(user["Attributes"])) for user in users]
    assert found == [{"sub", "custom:team"}, {"sub", "custom:team"}, {"sub"}, {"sub"}]
    users = idp.list_users(UserPoolId=pool, AttributesToGet=[])["Users"]
    assert all(user["Attributes"] == [] for user in users)
