package policy

import (
	"testing"
)

func TestResourcePoliciesWithinTheAccount(t *testing.T) {
	t.Parallel()
	get := func(name, caller, resourcePolicy string, r rule) rule {
		r.name, r.caller, r.action, r.resource, r.resourcePolicy = name, caller, "s3:GetObject", object, resourcePolicy
		return r
	}
	const all = " on *"
	boundary, session := []Layer{BoundaryLayer}, []Layer{SessionLayer}
	tryRules(t, []rule{
		get("user", ann, "allow s3:*"+all+" to "+ann, rule{want: Allowed}),
		get("another user", ann, "allow s3:*"+all+" to arn:PART:iam::AAAA:user/bob", rule{want: ImplicitDeny, lacking: both}),
		get("user without its path", ann, "allow s3:*"+all+" to arn:PART:iam::AAAA:user/ann", rule{want: ImplicitDeny, lacking: both}),
		get("everybody", ann, "allow s3:*"+all+" to everybody", rule{want: Allowed}),
		get("AWS star", ann, "allow s3:*"+all+" to *", rule{want: Allowed}),
		get("the account leaves it to identity policies", ann, "allow s3:*"+all+" to "+rootA, rule{want: ImplicitDeny, lacking: both}),
		get("account id", ann, "allow s3:*"+all+" to AAAA", rule{identity: "allow * on *", want: Allowed}),
		get("root is its account", rootA, "allow s3:*"+all+" to "+rootA, rule{want: Allowed}),
		get("no principal", ann, "allow s3:*"+all, rule{want: ImplicitDeny, lacking: both}),
		get("service isn't a user", ann, "allow s3:*"+all+" to firehose.SUFFIX", rule{want: ImplicitDeny, lacking: both}),
		get("anonymous is everybody", "", "allow s3:*"+all+" to everybody", rule{want: Allowed}),
		get("anonymous is nobody in particular", "", "allow s3:*"+all+" to "+ann, rule{want: ImplicitDeny, lacking: onlyResource}),

		get("boundary doesn't limit a user who is named", ann, "allow s3:*"+all+" to "+ann, rule{boundary: none, want: Allowed}),
		get("boundary denies a user who is named", ann, "allow s3:*"+all+" to "+ann, rule{boundary: "deny s3:* on *", want: ExplicitDeny}),
		get("boundary limits identity policies", ann, none, rule{identity: "allow * on *", boundary: none, want: ImplicitDeny, lacking: boundary}),
		get("boundary lets through", ann, none, rule{identity: "allow * on *", boundary: "allow s3:* on *", want: Allowed}),
		get("boundary grants nothing", ann, none, rule{boundary: "allow s3:* on *", want: ImplicitDeny, lacking: both}),

		get("role of the session", reading, "allow s3:*"+all+" to "+reader, rule{want: Allowed}),
		get("role by itself", reader, "allow s3:*"+all+" to "+reader, rule{want: Allowed}),
		get("boundary limits a role that is named", reading, "allow s3:*"+all+" to "+reader, rule{boundary: none, want: ImplicitDeny, lacking: boundary}),
		get("session policy limits a role that is named", reading, "allow s3:*"+all+" to "+reader, rule{session: none, want: ImplicitDeny, lacking: session}),
		get("boundary and session policy let a role through", reading, "allow s3:*"+all+" to "+reader, rule{boundary: "allow * on *", session: "allow s3:* on *", want: Allowed}),
		get("session", reading, "allow s3:*"+all+" to "+reading, rule{want: Allowed}),
		get("another session", reading, "allow s3:*"+all+" to arn:PART:sts::AAAA:assumed-role/reader/s2", rule{want: ImplicitDeny, lacking: both}),
		get("nothing limits a session that is named", reading, "allow s3:*"+all+" to "+reading, rule{boundary: none, session: none, want: Allowed}),
		get("nothing but a session policy limits everybody", reading, "allow s3:*"+all+" to everybody", rule{boundary: none, session: "allow * on *", want: Allowed}),
		get("session policy limits everybody", reading, "allow s3:*"+all+" to everybody", rule{boundary: none, session: none, want: ImplicitDeny, lacking: session}),
		get("session policy denies a session that is named", reading, "allow s3:*"+all+" to "+reading, rule{session: "deny s3:GetObject on *", want: ExplicitDeny}),
		get("role is no session", reader, "allow s3:*"+all+" to "+reading, rule{want: ImplicitDeny, lacking: both}),
		get("boundary limits a role by itself", reader, "allow s3:*"+all+" to "+reader, rule{boundary: none, want: ImplicitDeny, lacking: boundary}),

		get("federated user", feds, "allow s3:*"+all+" to "+feds, rule{session: none, boundary: none, want: Allowed}),
		get("user behind a federated user", feds, "allow s3:*"+all+" to "+ann, rule{session: "allow * on *", want: Allowed}),
		get("session policy limits the user behind a federated user", feds, "allow s3:*"+all+" to "+ann, rule{session: none, want: ImplicitDeny, lacking: session}),

		get("session policy limits identity policies", reading, none, rule{identity: "allow * on *", session: "allow sqs:* on *", want: ImplicitDeny, lacking: session}),

		get("deny for a user", ann, "deny s3:*"+all+" to "+ann, rule{identity: "allow * on *", want: ExplicitDeny}),
		get("deny for the account", ann, "deny s3:*"+all+" to "+rootA, rule{identity: "allow * on *", want: ExplicitDeny}),
		get("deny for the role of a session", reading, "deny s3:*"+all+" to "+reader, rule{identity: "allow * on *", want: ExplicitDeny}),
		get("deny for another", ann, "deny s3:*"+all+" to "+reader, rule{identity: "allow * on *", want: Allowed}),
		get("deny for all but", ann, "deny s3:*"+all+" to not "+ann+"|"+rootA, rule{identity: "allow * on *", want: Allowed}),
		get("deny for all but another", ann, "deny s3:*"+all+" to not "+reader, rule{identity: "allow * on *", want: ExplicitDeny}),
		get("deny for all but, with a boundary", ann, "deny s3:*"+all+" to not "+ann+"|"+rootA, rule{identity: "allow * on *", boundary: "allow * on *", want: ExplicitDeny}),
		get("allow for all but", ann, "allow s3:*"+all+" to not "+reader, rule{want: Allowed}),
		get("allow for all but, named", ann, "allow s3:*"+all+" to not "+ann, rule{want: ImplicitDeny, lacking: both}),
		get("allow for all but reaches the anonymous", "", "allow s3:*"+all+" to not "+ann, rule{want: Allowed}),
	})
}

func TestAcrossAccounts(t *testing.T) {
	t.Parallel()
	get := func(name, caller, identity, resourcePolicy string, r rule) rule {
		r.name, r.caller, r.action, r.resource, r.owner, r.identity, r.resourcePolicy = name, caller, "s3:GetObject", object, "BBBB", identity, resourcePolicy
		return r
	}
	tryRules(t, []rule{
		get("both sides", ann, "allow s3:* on *", "allow s3:* on * to "+ann, rule{want: Allowed, matched: 2}),
		get("account on the other side", ann, "allow s3:* on *", "allow s3:* on * to "+rootA, rule{want: Allowed}),
		get("everybody on the other side", ann, "allow s3:* on *", "allow s3:* on * to everybody", rule{want: Allowed}),
		get("role on the other side", reading, "allow s3:* on *", "allow s3:* on * to "+reader, rule{want: Allowed}),
		get("identity only", ann, "allow s3:* on *", "", rule{want: ImplicitDeny, lacking: onlyResource}),
		get("other side only", ann, "", "allow s3:* on * to "+ann, rule{want: ImplicitDeny, lacking: []Layer{IdentityLayer}}),
		get("session on the other side isn't enough", reading, "", "allow s3:* on * to "+reading, rule{want: ImplicitDeny, lacking: []Layer{IdentityLayer}}),
		get("role on the other side isn't enough", reading, "", "allow s3:* on * to "+reader, rule{want: ImplicitDeny, lacking: []Layer{IdentityLayer}}),
		get("everybody isn't enough", ann, "", "allow s3:* on * to everybody", rule{want: ImplicitDeny, lacking: []Layer{IdentityLayer}}),
		get("the other side names its own account", ann, "allow s3:* on *", "allow s3:* on * to "+rootB, rule{want: ImplicitDeny, lacking: onlyResource}),
		get("boundary limits", ann, "allow s3:* on *", "allow s3:* on * to "+ann, rule{boundary: none, want: ImplicitDeny, lacking: []Layer{BoundaryLayer}}),
		get("session policy limits", reading, "allow s3:* on *", "allow s3:* on * to "+reading, rule{session: none, want: ImplicitDeny, lacking: []Layer{SessionLayer}}),
		get("root", rootA, "", "allow s3:* on * to "+rootA, rule{want: Allowed}),
		get("deny on the other side", ann, "allow s3:* on *", "allow s3:* on * to "+ann+"\ndeny s3:* on * to "+rootA, rule{want: ExplicitDeny}),
		get("nothing", ann, "", "", rule{want: ImplicitDeny, lacking: both}),
		{name: "the ARN's account counts", caller: ann, action: "sqs:SendMessage", resource: "arn:PART:sqs:REGION:BBBB:q", owner: "AAAA", identity: "allow sqs:* on *", want: ImplicitDeny, lacking: onlyResource},
		{name: "owner is the caller's account by default", caller: ann, action: "s3:GetObject", resource: object, identity: "allow s3:* on *", want: Allowed},
	})
}

func TestServices(t *testing.T) {
	t.Parallel()
	put := func(name, caller, resourcePolicy string, r rule) rule {
		r.name, r.caller, r.action, r.resource, r.owner, r.resourcePolicy = name, caller, "s3:PutObject", object, "BBBB", resourcePolicy
		return r
	}
	const delivery, firehose = "delivery.logs.SUFFIX", "firehose.SUFFIX"
	tryRules(t, []rule{
		put("named", delivery, "allow s3:PutObject on arn:PART:s3:::b/* to "+delivery, rule{want: Allowed, matched: 1}),
		put("another", firehose, "allow s3:PutObject on arn:PART:s3:::b/* to "+delivery, rule{want: ImplicitDeny, lacking: onlyResource}),
		put("everybody", delivery, "allow s3:PutObject on arn:PART:s3:::b/* to everybody", rule{want: Allowed}),
		put("account", delivery, "allow s3:PutObject on arn:PART:s3:::b/* to "+rootB, rule{want: ImplicitDeny, lacking: onlyResource}),
		put("identity policies and SCPs don't matter", delivery, "allow s3:PutObject on * to "+delivery, rule{identity: "deny * on *", boundary: none, scp: []string{"deny * on *"}, want: Allowed, matched: 1}),
		put("RCPs matter", delivery, "allow s3:PutObject on * to "+delivery, rule{rcp: []string{"deny s3:* on * to everybody if StringNotEquals aws:SourceAccount AAAA"}, want: ExplicitDeny}),
		put("confused deputy guarded", delivery, "allow s3:PutObject on * to "+delivery+" if StringEquals aws:SourceAccount AAAA", rule{context: map[string]string{"aws:SourceAccount": "BBBB"}, want: ImplicitDeny, lacking: onlyResource}),
		put("confused deputy passes", delivery, "allow s3:PutObject on * to "+delivery+" if StringEquals aws:SourceAccount AAAA if ArnLike aws:SourceArn arn:PART:logs:*:AAAA:*",
			rule{context: map[string]string{"aws:SourceAccount": "AAAA", "aws:SourceArn": "arn:PART:logs:REGION:AAAA:flow"}, want: Allowed}),
		put("deny for everybody", delivery, "allow s3:PutObject on * to "+delivery+"\ndeny s3:* on * to everybody if Bool aws:SecureTransport false", rule{context: map[string]string{"aws:SecureTransport": "false"}, want: ExplicitDeny}),
		put("identity provider", "arn:PART:iam::AAAA:saml-provider/idp", "allow s3:PutObject on * to arn:PART:iam::AAAA:saml-provider/idp", rule{want: Allowed}),
		put("another identity provider", "arn:PART:iam::AAAA:saml-provider/idp", "allow s3:PutObject on * to arn:PART:iam::AAAA:saml-provider/x", rule{want: ImplicitDeny, lacking: onlyResource}),
	})
}

func TestKeysAndRolesTrustNobody(t *testing.T) {
	t.Parallel()
	decrypt := func(name, caller, identity, keyPolicy string, r rule) rule {
		r.name, r.caller, r.action, r.resource, r.identity, r.resourcePolicy = name, caller, "kms:Decrypt", key, identity, keyPolicy
		return r
	}
	assume := func(name, caller, identity, trust string, r rule) rule {
		r.name, r.caller, r.action, r.resource, r.identity, r.resourcePolicy = name, caller, "sts:AssumeRole", roleB, identity, trust
		return r
	}
	const own = "arn:PART:iam::BBBB:user/own"
	tryRules(t, []rule{
		decrypt("identity alone", ann, "allow kms:* on *", none, rule{want: ImplicitDeny, lacking: onlyResource}),
		decrypt("without a key policy", ann, "allow kms:* on *", "", rule{want: ImplicitDeny, lacking: onlyResource}),
		decrypt("account and identity", ann, "allow kms:* on *", "allow kms:* on * to "+rootA, rule{want: Allowed, matched: 2}),
		decrypt("account alone", ann, "", "allow kms:* on * to "+rootA, rule{want: ImplicitDeny, lacking: []Layer{IdentityLayer}}),
		decrypt("account, identity and boundary", ann, "allow kms:* on *", "allow kms:* on * to "+rootA, rule{boundary: none, want: ImplicitDeny, lacking: []Layer{BoundaryLayer}}),
		decrypt("account for another action", ann, "allow kms:* on *", "allow kms:Encrypt on * to "+rootA, rule{want: ImplicitDeny, lacking: onlyResource}),
		decrypt("user", ann, "", "allow kms:* on * to "+ann, rule{want: Allowed}),
		decrypt("role of a session", reading, "", "allow kms:* on * to "+reader, rule{want: Allowed}),
		decrypt("role and boundary", reading, "", "allow kms:* on * to "+reader, rule{boundary: none, want: ImplicitDeny, lacking: []Layer{BoundaryLayer}}),
		decrypt("root isn't above the key policy", rootA, "", "allow kms:* on * to "+ann, rule{want: ImplicitDeny, lacking: onlyResource}),
		decrypt("root", rootA, "", "allow kms:* on * to "+rootA, rule{want: Allowed}),
		decrypt("other account", "arn:PART:iam::BBBB:role/x", "allow kms:* on *", "allow kms:* on * to "+rootB, rule{want: Allowed}),
		decrypt("other account without identity", "arn:PART:iam::BBBB:role/x", "", "allow kms:* on * to "+rootB, rule{want: ImplicitDeny, lacking: []Layer{IdentityLayer}}),
		decrypt("via a service", ann, "allow kms:* on *", "allow kms:* on * to "+rootA+" if StringEquals kms:ViaService s3.REGION.HOST", rule{context: map[string]string{"kms:ViaService": "s3.REGION.HOST"}, want: Allowed}),
		{name: "actions without a key", caller: ann, action: "kms:ListKeys", resource: "*", identity: "allow kms:* on *", want: Allowed},
		{name: "an alias isn't a key", caller: ann, action: "kms:CreateAlias", resource: "arn:PART:kms:REGION:AAAA:alias/x", identity: "allow kms:* on *", want: Allowed},

		assume("trusted user of the account", own, "", "allow sts:AssumeRole to "+own, rule{want: Allowed}),
		assume("trusted account", own, "allow sts:AssumeRole on *", "allow sts:AssumeRole to "+rootB, rule{want: Allowed}),
		assume("trusted account without identity", own, "", "allow sts:AssumeRole to "+rootB, rule{want: ImplicitDeny, lacking: []Layer{IdentityLayer}}),
		assume("untrusted", own, "allow sts:AssumeRole on *", "allow sts:AssumeRole to "+rootA, rule{want: ImplicitDeny, lacking: onlyResource}),
		assume("without trust policy", own, "allow sts:AssumeRole on *", "", rule{want: Allowed}),
		assume("across accounts", ann, "allow sts:AssumeRole on "+roleB, "allow sts:AssumeRole to "+rootA+" if StringEquals sts:ExternalId x", rule{context: map[string]string{"sts:ExternalId": "x"}, want: Allowed}),
		assume("across accounts without external id", ann, "allow sts:AssumeRole on "+roleB, "allow sts:AssumeRole to "+rootA+" if StringEquals sts:ExternalId x", rule{want: ImplicitDeny, lacking: onlyResource}),
		assume("across accounts without trust policy", ann, "allow sts:AssumeRole on "+roleB, "", rule{want: ImplicitDeny, lacking: onlyResource}),
		assume("service", "firehose.SUFFIX", "", "allow sts:AssumeRole to firehose.SUFFIX if StringEquals sts:ExternalId BBBB", rule{context: map[string]string{"sts:ExternalId": "BBBB"}, want: Allowed}),
		assume("other action", own, "", "allow sts:AssumeRole to "+own+"\ndeny sts:TagSession to everybody", rule{want: Allowed}),
		{name: "passing a role isn't assuming it", caller: own, action: "iam:PassRole", resource: roleB, identity: "allow iam:PassRole on *", resourcePolicy: none, want: Allowed},
	})
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	get := func(name string, scp, rcp []string, want Outcome, lacking ...Layer) rule {
		return rule{name: name, caller: ann, action: "s3:GetObject", resource: object, identity: "allow s3:* on *", scp: scp, rcp: rcp, want: want, lacking: lacking}
	}
	const full, other = "allow * on *", "allow ec2:* on *"
	tryRules(t, []rule{
		get("every level allows", []string{full, full, "allow s3:* on *"}, nil, Allowed),
		get("one level doesn't", []string{full, other, full}, nil, ImplicitDeny, ServiceControlLayer),
		get("the last level doesn't", []string{full, other}, nil, ImplicitDeny, ServiceControlLayer),
		get("a level denies", []string{full, full + "\ndeny s3:GetObject on *"}, nil, ExplicitDeny),
		get("a level with a condition", []string{full + "\ndeny * on * if StringNotEquals aws:RequestedRegion REGION"}, nil, ExplicitDeny),
		get("a level without policies", []string{none}, nil, ImplicitDeny, ServiceControlLayer),
		get("RCP allows by itself", nil, []string{none}, Allowed),
		get("RCP denies", nil, []string{none, "deny s3:* on * to everybody"}, ExplicitDeny),
		{name: "SCPs limit root", caller: rootA, action: "s3:GetObject", resource: object, scp: []string{other}, want: ImplicitDeny, lacking: []Layer{ServiceControlLayer}},
		{name: "SCPs limit what a resource grants", caller: ann, action: "s3:GetObject", resource: object, resourcePolicy: "allow s3:* on * to " + ann, scp: []string{other}, want: ImplicitDeny, lacking: []Layer{ServiceControlLayer}},
		{name: "all that is lacking", caller: reading, action: "s3:GetObject", resource: object, owner: "BBBB", boundary: none, session: none, scp: []string{other}, want: ImplicitDeny,
			lacking: []Layer{IdentityLayer, BoundaryLayer, SessionLayer, ServiceControlLayer, ResourceLayer}},
	})
}
