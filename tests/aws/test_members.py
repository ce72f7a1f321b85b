"""A member that botocore's model has and muster lacks is a fault here."""

import botocore.session
import pytest

import members
from conftest import client, import_file, make_job, make_pool, start_job, wait_for
from server import upload

MODEL = botocore.session.get_session().get_service_model("cognito-idp")
OPTIONAL = {"Name": "team", "AttributeDataType": "String"}


def paths(shape, prefix="", within=()):
    """The members of a shape, those of its members included: `Schema.Name`."""
    if shape.type_name == "structure" and shape.name not in within:
        for name, member in shape.members.items():
            path = f"{prefix}{name}"
            yield path
            yield from paths(member, f"{path}.", (*within, shape.name))
    elif shape.type_name == "list":
        yield from paths(shape.member, prefix, within)
    elif shape.type_name == "map":
        yield from paths(shape.value, prefix, within)


def found(value, shape, prefix=""):
    """The members that are in a value."""
    if shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members:
                path = f"{prefix}{name}"
                yield path
                yield from found(member, shape.members[name], f"{path}.")
    elif shape.type_name == "list":
        for element in value:
            yield from found(element, shape.member, prefix)


def is_ignored(path, ignored):
    return any(path == i or path.startswith(f"{i}.") for i in ignored)


@pytest.fixture(scope="module")
def session(server):
    """One pass through all operations, with every member that muster heeds;
    what was sent, and what was answered."""
    sent, answered = {}, {}
    idp = client(server)

    def note_sent(params, model, **_):
        body = found(params, model.input_shape)
        sent.setdefault(model.name, set()).update(body)

    def note_answered(parsed, model, **_):
        if model.output_shape is not None and "Error" not in parsed:
            values = {k: v for k, v in parsed.items() if k != "ResponseMetadata"}
            unknown = set(values) - set(model.output_shape.members)
            assert not unknown, unknown
            body = found(values, model.output_shape)
            answered.setdefault(model.name, set()).update(body)

    idp.meta.events.register("provide-client-params.*.*", note_sent)
    idp.meta.events.register("after-call.*.*", note_answered)

    pool = idp.create_user_pool(
        PoolName="all of it",
        AutoVerifiedAttributes=["email", "phone_number"],
        AliasAttributes=["email", "preferred_username"],
        MfaConfiguration="OPTIONAL",
        UsernameConfiguration={"CaseSensitive": True},
        Schema=[
            {"Name": "email", "Required": True},
            {
                "Name": "team",
                "AttributeDataType": "String",
                "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "9"},
            },
            {
                "Name": "level",
                "AttributeDataType": "Number",
                "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "5"},
            },
        ],
    )["UserPool"]["Id"]
    for username in ("email", "phone_number"):
        other = make_pool(idp, UsernameAttributes=[username])
        idp.describe_user_pool(UserPoolId=other)
    rows = (
        b"cognito:username,email,email_verified,phone_number,cognito:mfa_enabled,custom:team\n"
        b"jane,jane@example.com,true,+14155550101,true,ops\n"
        b"joe,joe@example.com,true,,false,dev\n"
        b"ann,ann@example.com,true,,false,x\n"
    )
    job = make_job(idp, pool, "all", PasswordHashingAlgorithm="BCRYPT")
    upload(job["PreSignedUrl"], rows.replace(b"custom:team", b"custom:team,password_hash").replace(b"ops", b"ops,").replace(b"dev", b"dev,").replace(b",x\n", b",x,\n"))  # fmt: skip
    named = {"UserPoolId": pool, "JobId": job["JobId"]}
    idp.start_user_import_job(**named)
    assert wait_for(idp, pool, job["JobId"], "Succeeded", "Failed")["ImportedUsers"] == 2
    idp.get_csv_header(UserPoolId=pool)
    idp.describe_user_pool(UserPoolId=pool)
    idp.admin_get_user(UserPoolId=pool, Username="jane")
    first = idp.list_users(
        UserPoolId=pool, Limit=1, Filter='email ^= "j"', AttributesToGet=["email", "sub"]
    )
    idp.list_users(
        UserPoolId=pool, Limit=1, Filter='email ^= "j"', PaginationToken=first["PaginationToken"]
    )
    first = idp.list_user_pools(MaxResults=1)
    idp.list_user_pools(MaxResults=1, NextToken=first["NextToken"])
    # Two jobs more, so that there is a second page with something of each kind.
    second = make_job(idp, pool, PasswordHashingAlgorithm="SCRYPT")
    first = idp.list_user_import_jobs(UserPoolId=pool, MaxResults=1)
    idp.list_user_import_jobs(
        UserPoolId=pool, MaxResults=1, PaginationToken=first["PaginationToken"]
    )
    idp.describe_user_import_job(UserPoolId=pool, JobId=second["JobId"])
    # A job that is stopped before it is through.
    bcrypt = b"$2b$10$" + b"a" * 53
    hashed = b"cognito:username,email,email_verified,password_hash\nu,u@a.example,true," + bcrypt
    with server.no_row_written():
        busy, job = start_job(idp, hashed, PasswordHashingAlgorithm="BCRYPT")
        idp.stop_user_import_job(UserPoolId=busy, JobId=job)
    wait_for(idp, busy, job, "Stopped")
    idp.delete_user_pool(UserPoolId=busy)
    return sent, answered


@pytest.mark.parametrize("operation", members.OPERATIONS)
def test_every_member_of_a_request_is_heeded_or_ignored_on_purpose(session, operation):
    sent, _ = session
    ignored = members.IGNORED if operation == "CreateUserPool" else {}
    wanted = set(paths(MODEL.operation_model(operation).input_shape))
    missing = {p for p in wanted - sent[operation] if not is_ignored(p, ignored)}
    assert not missing, f"{operation} has members that muster is not tried with: {missing}"
    heeded = {p for p in sent[operation] if is_ignored(p, ignored)}
    assert not heeded


@pytest.mark.parametrize(
    "operation", [o for o in members.OPERATIONS if MODEL.operation_model(o).output_shape]
)
def test_every_member_of_an_answer_is_answered_or_left_out_on_purpose(session, operation):
    _, answered = session
    never = members.never_in_answers(operation)
    wanted = set(paths(MODEL.operation_model(operation).output_shape))
    missing = {p for p in wanted - answered[operation] if not is_ignored(p, never)}
    assert not missing, f"{operation} lacks {missing}"
    there = {p for p in answered[operation] if is_ignored(p, never)}
    assert not there, f"{operation} answers what members.py says it does not: {there}"


def test_the_lists_name_members_of_the_model_only():
    wanted = set(paths(MODEL.operation_model("CreateUserPool").input_shape))
    assert not set(members.IGNORED) - wanted
    wanted = {
        path
        for operation in members.OPERATIONS
        if (shape := MODEL.operation_model(operation).output_shape)
        for path in paths(shape)
    }
    assert not set(members.NEVER_IN_ANSWERS) - wanted


def test_ignored_members_are_accepted_and_logged_once(server, loose):
    skeleton = {
        "UserPoolTags": {"team": "ops"},
        "UserPoolTier": "LITE",
        "DeletionProtection": "ACTIVE",
        "Policies": {"PasswordPolicy": {"MinimumLength": 12}},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
    }
    for _ in range(2):
        loose.create_user_pool(PoolName="ignored", **skeleton)
    lines = [
        line
        for line in server.log.read_text().splitlines()
        if "accepted and ignored" in line and "UserPoolTier" in line
    ]
    assert len(lines) == 1


def test_every_ignored_member_is_accepted(loose):
    shape = MODEL.operation_model("CreateUserPool").input_shape
    for name in members.IGNORED:
        if "." in name:
            continue
        value = fill(shape.members[name])
        loose.create_user_pool(PoolName="p", **{name: value})


TEXTS = {
    "arn:": "arn:aws:iam::111122223333:role/r",
    "##[": "Follow {##this##}.",
    "]+@[": "a@example.com",
    "####": "Your code is {####}.",
    "Level[1-4]": "Level1",
}


def fill(shape):
    """A value that keeps to the constraints of its shape."""
    if shape.type_name == "structure":
        return {name: fill(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [fill(shape.member)]
    if shape.type_name == "map":
        return {fill(shape.key): fill(shape.value)}
    if shape.type_name == "boolean":
        return True
    if shape.type_name in ("integer", "long"):
        return shape.metadata.get("min", 1)
    if shape.enum:
        return shape.enum[0]
    pattern = shape.metadata.get("pattern", "")
    for part, text in TEXTS.items():
        if part in pattern:
            return text
    return "x" * max(shape.metadata.get("min", 1), 6)


def test_a_pool_is_described_as_it_was_made(idp):
    pool = make_pool(
        idp,
        "as made",
        AliasAttributes=["email"],
        MfaConfiguration="ON",
        UsernameConfiguration={"CaseSensitive": True},
        Schema=[
            {"Name": "email", "Required": True, "AttributeDataType": "String"},
            {
                "Name": "level",
                "AttributeDataType": "Number",
                "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "5"},
            },
        ],
    )
    made = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert made["Name"] == "as made"
    assert made["Arn"] == f"arn:aws:cognito-idp:us-west-2:000000000000:userpool/{pool}"
    assert made["AutoVerifiedAttributes"] == ["email"]
    assert made["AliasAttributes"] == ["email"] and "UsernameAttributes" not in made
    assert made["MfaConfiguration"] == "ON"
    assert made["UsernameConfiguration"] == {"CaseSensitive": True}
    schema = {attribute["Name"]: attribute for attribute in made["SchemaAttributes"]}
    assert schema["email"]["Required"] and not schema["name"]["Required"]
    assert schema["sub"]["Required"] and not schema["sub"]["Mutable"]
    assert schema["custom:level"] == {
        "Name": "custom:level",
        "AttributeDataType": "Number",
        "DeveloperOnlyAttribute": False,
        "Mutable": True,
        "Required": False,
        "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "5"},
    }


def test_faults_of_a_pool_are_told_by_their_place(idp):
    with pytest.raises(idp.exceptions.InvalidParameterException) as caught:
        make_pool(
            idp,
            AutoVerifiedAttributes=["email", "email"],
            Schema=[
                {"Name": "email", "Required": True},
                {**OPTIONAL, "StringAttributeConstraints": {"MaxLength": "2049"}},
                {**OPTIONAL, "Name": "b", "StringAttributeConstraints": {"MinLength": "-1"}},
                {**OPTIONAL, "Name": "c/d"},
            ],
        )
    message = caught.value.response["Error"]["Message"]
    assert message.startswith("4 validation errors detected: ")
    for place in (
        "'autoVerifiedAttributes.2.member'",
        "'schema.2.member.stringAttributeConstraints.maxLength'",
        "'schema.3.member.stringAttributeConstraints.minLength'",
        "'schema.4.member.name'",
    ):
        assert place in message


def test_one_imports_after_another(idp, pool):
    body = b"cognito:username,email,email_verified\njane,j@example.com,true\n"
    assert import_file(idp, pool, body)["ImportedUsers"] == 1
    again = import_file(idp, pool, body)
    assert (again["Status"], again["SkippedUsers"]) == ("Failed", 1)
