package policy

import (
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

func TestParseCaller(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in      string
		kind    CallerKind
		account partition.Account
		arn     string // aws:PrincipalArn
		kindKey string // aws:PrincipalType
	}{
		{"", AnonymousCaller, "", "", "Anonymous"},
		{"*", AnonymousCaller, "", "", "Anonymous"},
		{"AAAA", RootCaller, accountA, "", "Account"},
		{rootA, RootCaller, accountA, rootA, "Account"},
		{ann, UserCaller, accountA, ann, "User"},
		{reader, RoleCaller, accountA, reader, "AssumedRole"},
		{reading, SessionCaller, accountA, "arn:PART:iam::AAAA:role/reader", "AssumedRole"},
		{feds, FederatedUserCaller, accountA, feds, "FederatedUser"},
		{"logs.REGION.SUFFIX", ServiceCaller, "", "", ""},
		{"arn:PART:iam::AAAA:saml-provider/x", FederatedCaller, "", "", ""},
		{"arn:PART:iam::AAAA:oidc-provider/host/path", FederatedCaller, "", "", ""},
	} {
		for _, p := range partition.Partitions() {
			in := inPartition(p, c.in)
			got, err := ParseCaller(in)
			if err != nil || got.Kind != c.kind || got.Account != c.account {
				t.Errorf("ParseCaller(%q) = %+v, %v", in, got, err)
				continue
			}
			if in != "*" && got.String() != in {
				t.Errorf("String of %q = %q", in, got)
			}
			ctx := Request{Caller: got, Action: "a:b"}.Derived().Context
			for key, want := range map[string]string{"aws:PrincipalArn": inPartition(p, c.arn), "aws:PrincipalType": c.kindKey, "aws:PrincipalAccount": string(c.account)} {
				v, ok := ctx.lookup(key)
				if ok != (want != "") || (ok && v.values[0] != want) {
					t.Errorf("%q: %s = %v, want %q", in, key, v.values, want)
				}
			}
		}
	}
	for _, in := range []string{
		"ann", "arn:PART:iam::AAAA:group/g", "arn:PART:s3:::b", "arn:PART:iam::1:user/x", "arn:PART:iam::AAAA:user/", "arn:PART:sts::AAAA:assumed-role/r",
		"arn:PART:sts::AAAA:assumed-role/r/", "arn:PART:sts::AAAA:assumed-role//s", "arn:PART:iam::AAAA", "11112222333",
	} {
		if got, err := ParseCaller(inPartition(partition.AWS, in)); err == nil || !strings.Contains(err.Error(), "is not a caller") {
			t.Errorf("ParseCaller(%q) = %+v, %v; want an error", in, got, err)
		}
	}
}

func TestDerived(t *testing.T) {
	t.Parallel()
	value := func(c Context, key string) string {
		v, _ := c.lookup(key)
		return strings.Join(v.values, ",")
	}
	service, err := partition.Place{Region: "cn-north-1"}.ServicePrincipal(partition.Firehose)
	if err != nil {
		t.Fatal(err)
	}
	q := Request{Caller: Service(service), Action: "s3:PutObject", Resource: partition.ObjectARN(partition.China, "b", "k").String(), Owner: accountB,
		Context: Context{"aws:sourceaccount": One(accountA)}}
	c := q.Derived().Context
	for key, want := range map[string]string{
		"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": string(service), "aws:ResourceAccount": accountB, "aws:SourceAccount": accountA, "aws:PrincipalArn": "", "aws:username": "",
	} {
		if got := value(c, key); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	if len(q.Context) != 1 {
		t.Errorf("Derived changed the request's context: %v", q.Context)
	}
	user, _ := ParseCaller(inPartition(partition.AWS, ann))
	c = Request{Caller: user, Action: "a:b", Context: Context{"aws:principalarn": One("mine")}}.Derived().Context
	for key, want := range map[string]string{"aws:username": "ann", "aws:PrincipalIsAWSService": "false", "aws:PrincipalArn": "mine", "aws:ResourceAccount": accountA} {
		if got := value(c, key); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
}

func TestPrincipalsMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		caller, principal string
		want              grant
	}{
		{ann, "everybody", openGrant}, {ann, "*", openGrant}, {ann, ann, directGrant}, {ann, "AAAA", accountGrant}, {ann, rootA, accountGrant}, {ann, rootB, noGrant},
		{ann, "BBBB", noGrant}, {ann, "AIDAEXAMPLEEXAMPLE", noGrant}, {ann, "arn:other:iam::AAAA:root", noGrant},
		{rootA, rootA, directGrant}, {rootA, "AAAA", directGrant}, {"AAAA", rootA, directGrant}, {rootA, ann, noGrant},
		{reading, reader, roleGrant}, {reading, "arn:PART:iam::AAAA:role/Reader", roleGrant}, {reading, "arn:PART:iam::BBBB:role/reader", noGrant}, {reading, "arn:PART:iam::AAAA:user/reader", noGrant},
		{reading, reading, directGrant}, {reading, "arn:PART:sts::AAAA:assumed-role/reader/s2", noGrant}, {reading, rootA, accountGrant},
		{reader, reader, roleGrant}, {reader, "arn:PART:iam::AAAA:role/reader", noGrant},
		{feds, ann, roleGrant}, {feds, feds, directGrant}, {feds, reader, noGrant},
		{"s3.SUFFIX", "s3.SUFFIX", directGrant}, {"s3.SUFFIX", "AAAA", noGrant}, {"s3.SUFFIX", "ec2.SUFFIX", noGrant}, {ann, "s3.SUFFIX", noGrant},
		{"", "everybody", openGrant}, {"", "*", openGrant}, {"", "AAAA", noGrant},
	} {
		for _, p := range partition.Partitions() {
			caller, err := ParseCaller(inPartition(p, c.caller))
			if err != nil {
				t.Fatal(err)
			}
			if got := shorthandPrincipals([]string{inPartition(p, c.principal)}).grants(&caller); got != c.want {
				t.Errorf("%s: %s to %s: %v, want %v", p, c.principal, c.caller, got, c.want)
			}
		}
	}
	canonical := &Principals{CanonicalUser: []string{"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}}
	caller, _ := ParseCaller(inPartition(partition.AWS, ann))
	if got := canonical.grants(&caller); got != noGrant {
		t.Errorf("canonical user id: %v", got)
	}
}
