"""What muster has of AWS's model, and what it has not, with the reason."""

OPERATIONS = [
    "AdminGetUser",
    "CreateUserImportJob",
    "CreateUserPool",
    "DeleteUserPool",
    "DescribeUserImportJob",
    "DescribeUserPool",
    "GetCSVHeader",
    "ListUserImportJobs",
    "ListUserPools",
    "ListUsers",
    "StartUserImportJob",
    "StopUserImportJob",
]



NO_MESSAGES = "muster sends no messages"
NO_TIERS = "muster has no tiers"
NO_TAGS = "muster has no tags"

# Exceptions that are declared and never answered: by name, or by operation
# and name.
NEVER_ANSWERED = {
    "OperationNotEnabledException": "every operation is enabled in every pool",
    "InvalidSmsRoleAccessPolicyException": NO_MESSAGES,
    "InvalidSmsRoleTrustRelationshipException": NO_MESSAGES,
    "InvalidEmailRoleAccessPolicyException": NO_MESSAGES,
    "UserPoolTaggingException": NO_TAGS,
    "TierChangeNotAllowedException": NO_TIERS,
    "FeatureUnavailableInTierException": NO_TIERS,
    ("CreateUserImportJob", "PreconditionNotMetException"): "nothing has to be met to create a job",
    ("CreateUserPool", "LimitExceededException"): "the number of pools is not limited",
}

PASSWORDS = "users sign in elsewhere: muster keeps hashes of passwords and sets none"
TRIGGERS = "muster calls no functions"
DEVICES = "users sign in elsewhere"

# Members of CreateUserPool that are accepted and ignored.
IGNORED = {
    "Policies": PASSWORDS,
    "DeletionProtection": "muster does not protect pools from being deleted",
    "LambdaConfig": TRIGGERS,
    "SmsVerificationMessage": NO_MESSAGES,
    "EmailVerificationMessage": NO_MESSAGES,
    "EmailVerificationSubject": NO_MESSAGES,
    "VerificationMessageTemplate": NO_MESSAGES,
    "SmsAuthenticationMessage": NO_MESSAGES,
    "UserAttributeUpdateSettings": NO_MESSAGES,
    "DeviceConfiguration": DEVICES,
    "EmailConfiguration": NO_MESSAGES,
    "SmsConfiguration": NO_MESSAGES,
    "UserPoolTags": NO_TAGS,
    "AdminCreateUserConfig": "users are imported, not invited",
    "UserPoolAddOns": DEVICES,
    "DcrConfiguration": DEVICES,
    "AccountRecoverySetting": PASSWORDS,
    "UserPoolTier": NO_TIERS,
    "KeyConfiguration": "what lies on the disk is encrypted below muster, or not",
    "IssuerConfiguration": DEVICES,
    "AcrConfiguration": DEVICES,
    "Schema.DeveloperOnlyAttribute": "AWS itself advises against it",
    "Schema.Mutable": "an import writes each attribute once",
}

# Members of answers that are never there.
NEVER_IN_ANSWERS = {
    **{f"UserPool.{name}": reason for name, reason in IGNORED.items() if "." not in name},
    "UserPool.Status": "AWS itself answers it no more",
    "UserPool.SmsConfigurationFailure": NO_MESSAGES,
    "UserPool.EmailConfigurationFailure": NO_MESSAGES,
    "UserPool.Domain": DEVICES,
    "UserPool.CustomDomain": DEVICES,
    "UserPools.LambdaConfig": TRIGGERS,
    "UserPools.Status": "AWS itself answers it no more",
    "UserPools.ReplicaRegions": "muster has no regions",
    "MFAOptions": "AWS itself supports it no more",
    "Users.MFAOptions": "AWS itself supports it no more",
}

# By the operation: members that other operations answer.
NOT_YET = "the job has not come so far when the operation answers"
GONE_BY = "the job has left that state when the operation answers"
NEVER_IN_ANSWERS_OF = {
    "CreateUserImportJob": {
        "UserImportJob.StartDate": NOT_YET,
        "UserImportJob.CompletionDate": NOT_YET,
        "UserImportJob.CompletionMessage": NOT_YET,
    },
    "StartUserImportJob": {
        "UserImportJob.PreSignedUrl": GONE_BY,
        "UserImportJob.CompletionDate": NOT_YET,
        "UserImportJob.CompletionMessage": NOT_YET,
    },
    "StopUserImportJob": {
        "UserImportJob.PreSignedUrl": GONE_BY,
        "UserImportJob.CompletionDate": NOT_YET,
        "UserImportJob.CompletionMessage": NOT_YET,
    },
}


def never_in_answers(operation):
    return {**NEVER_IN_ANSWERS, **NEVER_IN_ANSWERS_OF.get(operation, {})}
