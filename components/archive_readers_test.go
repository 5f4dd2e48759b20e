package components_test

import (
	"strings"
	"testing"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func readers() []components.Reader {
	splunk := partition.Place{Account: "333344445555", Region: archive.Region}
	return []components.Reader{
		{Name: "security", RoleArns: []string{archive.RoleARN("SecurityAnalyst").String()}, List: true},
		{Name: "splunk", RoleArns: []string{splunk.RoleARN("siem/SplunkIngest").String()}, Prefixes: []string{"logs/", "databases/"}},
		{Name: "dba", RoleArns: []string{archive.RoleARN("DatabaseAdmin").String(), splunk.RoleARN("DatabaseAdmin").String()}, Prefixes: []string{"databases/"}, List: true},
	}
}

// statement finds one by its Sid.
func statement(t *testing.T, text, sid string) policy.Statement {
	t.Helper()
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statements {
		if s.Sid == sid {
			return s
		}
	}
	t.Fatalf("there is no statement %s in %s", sid, text)
	return policy.Statement{}
}

func TestReaders(t *testing.T) {
	t.Parallel()
	args := bucketArgs()
	args.Readers = readers()
	g := record(t, bucketProgram(args))
	bucketPolicy := text(t, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"), "policy")
	keyPolicy := text(t, find(t, g, "aws:kms/key:Key", "archive-key"), "policy")
	root := func(account partition.Account) string {
		return partition.Place{Account: account, Region: archive.Region}.RootARN().String()
	}
	splunk := partition.Place{Account: "333344445555", Region: archive.Region}.RoleARN("siem/SplunkIngest").String()
	dba := partition.Place{Account: "333344445555", Region: archive.Region}.RoleARN("DatabaseAdmin").String()
	read := []string{"s3:GetObject", "s3:GetObjectVersion"}
	for sid, want := range map[string]policy.Statement{
		"ReadSplunk": {Principal: policy.AWSPrincipals(root("333344445555")), Action: read, Resource: []string{object("databases/*"), object("logs/*")},
			Condition: policy.Conditions{}.With("ArnLike", "aws:PrincipalArn", splunk)},
		"ListDba": {Principal: policy.AWSPrincipals(root("333344445555")), Action: []string{"s3:ListBucket"}, Resource: []string{bucketARN},
			Condition: policy.Conditions{}.With("StringLike", "s3:prefix", "databases/*").With("ArnLike", "aws:PrincipalArn", dba)},
	} {
		want.Sid, want.Effect = sid, policy.Allow
		got := statement(t, bucketPolicy, sid)
		if a, b := (policy.Document{Statements: []policy.Statement{got}}).JSON(), (policy.Document{Statements: []policy.Statement{want}}).JSON(); a != b {
			t.Errorf("statement %s:\n%s\nwant\n%s", sid, a, b)
		}
	}
	if strings.Contains(bucketPolicy, "Security") {
		t.Errorf("a role of the bucket's account has a grant that it doesn't need: %s", bucketPolicy)
	}
	decrypt := statement(t, keyPolicy, "DecryptForReaders")
	if got := decrypt.Condition["ArnLike"]["aws:PrincipalArn"]; len(got) != 4 || decrypt.Action[0] != "kms:Decrypt" || len(decrypt.Condition["StringEquals"]["kms:ViaService"]) != 1 {
		t.Errorf("the key's grant to readers: %+v", decrypt)
	}
}

// What a reader's own policy must allow is what the bucket's allows it, and nothing else.
func TestReaderPolicy(t *testing.T) {
	t.Parallel()
	key := archive.ARN(partition.KMS, "key/1").String()
	for _, r := range readers() {
		doc, err := r.Policy(archive, "example-log-archive", key)
		if err != nil {
			t.Fatal(err)
		}
		if problems := doc.Validate(policy.Inline); len(problems) > 0 {
			t.Errorf("%s: %v", r.Name, problems)
		}
		if want := map[bool]int{true: 4, false: 2}[r.List]; len(doc.Statements) != want {
			t.Errorf("%s: %d statements, want %d: %s", r.Name, len(doc.Statements), want, doc.JSON())
		}
	}
}

func TestReaderProblems(t *testing.T) {
	t.Parallel()
	args := bucketArgs()
	global := partition.Place{Account: archive.Account, Region: "us-east-1"}.RoleARN("Reader").String()
	args.Readers = []components.Reader{
		{Name: "a b", RoleArns: []string{global}},
		{Name: "twice", Prefixes: []string{"logs"}},
		{Name: "Twice", RoleArns: []string{"Reader"}},
	}
	wantProblems(t, refused(t, bucketProgram(args)), map[string]string{
		"Readers[0].Name": "want 1 to 32", "Readers[0].RoleArns[0]": "is not a role of account",
		"Readers[1].RoleArns": "want at least one role", "Readers[1].Prefixes[0]": "want a key prefix",
		"Readers[2].Name": "is there twice", "Readers[2].RoleArns[0]": "is not an ARN",
	})
}
