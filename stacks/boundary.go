package stacks

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// BoundarySpec is the permission boundary of every role that the stack makes in an account.
type BoundarySpec struct {
	Key   string // path in the configuration
	Place partition.Place
	// ARN is that of a managed policy of the account, or of AWS.
	ARN partition.ARN
	// Document is what the policy says; "" where the configuration doesn't tell.
	Document string
}

// managed says whether AWS keeps the policy: it is in every account then.
func (b BoundarySpec) managed() bool { return b.ARN.Account == managedAccount }

// managedAccount is the account in the ARNs of policies that AWS keeps.
const managedAccount partition.Account = "aws"

func boundaryField() schema.Field {
	policyOf := func(doc string) schema.Field {
		return schema.Field{Key: "policy", Kind: schema.String, Required: true, Doc: doc,
			Accepts: "the name of a managed policy, with its path if it has one, or an ARN of AWS's own (arn:...:iam::aws:policy/...)"}
	}
	document := schema.Field{Key: "document", Kind: schema.String, DefaultText: "not known: proofs take the boundary to allow everything, and say so",
		Doc:     "What that policy says. `logarchive verify`, the preflight and the sandbox decide every request of a role by it, too. It isn't written anywhere: keep it the same as the policy.",
		Accepts: "a policy document of up to 6144 characters, as JSON"}
	of := policyOf("The account's policy.")
	of.Accepts = "as above, or the ARN of a policy of the account"
	return schema.Field{
		Key: "permissionsBoundary", Kind: schema.Object,
		Doc: "The permission boundary of every role that the stack makes, in every account. AWS takes only a policy of the role's own account, or one that it keeps itself, so that the policy is named and must be there, under that name, in the source account, in the archive's and in each of accounts.",
		Example: strings.Join([]string{
			"policy: boundaries/Workloads",
			"document: |",
			`  {"Version": "2012-10-17", "Statement": [`,
			`    {"Effect": "Allow", "Action": ["s3:*", "kms:*", "logs:*", "firehose:*", "sqs:*", "sns:*", "lambda:*"], "Resource": "*"}]}`,
			`accounts:`,
			`  - {account: "222233334444", policy: ArchiveRoles}`,
		}, "\n"),
		Fields: []schema.Field{
			policyOf("The policy, the same in every account."),
			document,
			{Key: "accounts", Kind: schema.List, Doc: "Accounts where it is another one.",
				Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
					{Key: "account", Kind: schema.String, Required: true, Pattern: accountForm, Doc: "The account.",
						Accepts: "the id of an account of this stack, in quotes; each once"},
					of,
					document,
				}}},
		},
	}
}

// permissionsBoundary reads the boundaries, once all accounts are read: one for each of them.
func (p *parser) permissionsBoundary(v schema.Value) {
	if !v.Given {
		return
	}
	s := p.spec
	places := []partition.Place{s.Home, s.Archive}
	for _, a := range s.Accounts {
		places = append(places, a.Stack.Home)
	}
	index := map[partition.Account]int{}
	general := p.boundary(v, "")
	for _, place := range places {
		b := general
		b.Place = place
		if !b.managed() {
			b.ARN.Account = place.Account
		}
		index[place.Account] = len(s.Boundaries)
		s.Boundaries = append(s.Boundaries, b)
	}
	seen := newOnce(p)
	for _, item := range v.Get("accounts").Items() {
		account := item.Get("account")
		if !account.OK() {
			continue
		}
		seen.text(account, "is the account of", "want each account once")
		i, ok := index[partition.Account(account.Text())]
		if !ok {
			p.add(account, "%s is not an account of this stack; want sourceAccount, archive.account or one of accounts", schema.Quote(account.Text()))
			continue
		}
		b := p.boundary(item, partition.Account(account.Text()))
		b.Place = s.Boundaries[i].Place
		s.Boundaries[i] = b
	}
}

// boundary reads a policy, of an account or of all ("").
func (p *parser) boundary(v schema.Value, account partition.Account) BoundarySpec {
	b := BoundarySpec{Key: v.Path}
	part := p.spec.Home.Partition()
	if name := v.Get("policy"); name.OK() {
		b.ARN = p.managedPolicy(name, part, account)
	}
	text := v.Get("document")
	if !text.OK() {
		return b
	}
	document, err := policy.Parse([]byte(text.Text()))
	if err != nil {
		p.add(text, "is not a policy document: %v", err)
		return b
	}
	for _, problem := range document.Validate(policy.Boundary) {
		p.add(text, "is not a document that AWS takes as a permission boundary: %s", problem)
	}
	b.Document = text.Text()
	return b
}

// managedPolicy reads the name or the ARN of a managed policy of an account; of every account, if that is "".
//
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
func (p *parser) managedPolicy(v schema.Value, part partition.Partition, account partition.Account) partition.ARN {
	arn := partition.ARN{Partition: part, Service: partition.IAM, Account: account, Resource: "policy/" + v.Text()}
	if strings.HasPrefix(v.Text(), "arn:") {
		given, err := partition.ParseARN(v.Text())
		switch {
		case err != nil:
			p.add(v, "%v", err)
			return arn
		case given.Service != partition.IAM || !strings.HasPrefix(given.Resource, "policy/"):
			p.add(v, "%s is not the ARN of a managed policy", schema.Quote(v.Text()))
		case part != "" && given.Partition != part:
			p.add(v, "%s is of partition %s; want %s, the stack's", schema.Quote(v.Text()), given.Partition, part)
		case given.Account != managedAccount && account == "":
			p.add(v, "%s is a policy of account %s, and AWS gives it to no role of another; want its name, the same in every account, and in accounts those where it is another", schema.Quote(v.Text()), given.Account)
		case given.Account != managedAccount && given.Account != account:
			p.add(v, "%s is a policy of account %s; want one of %s", schema.Quote(v.Text()), given.Account, account)
		}
		arn = given
	}
	if err := checkPolicyName(strings.TrimPrefix(arn.Resource, "policy/")); err != nil {
		p.add(v, "%v", err)
	}
	return arn
}

// maxPolicyName is the longest name of a managed policy (CreatePolicy).
const maxPolicyName = 128

// checkPolicyName says whether IAM takes a policy's name, with its path.
func checkPolicyName(name string) error {
	if !iamName(name, maxPolicyName) {
		return fmt.Errorf("%s is not a managed policy; want a name of up to %d letters, digits and + = , . @ _ -, with its path if it has one, or an ARN", schema.Quote(name), maxPolicyName)
	}
	return nil
}

// boundaryExternals are the policies, which must be there before a role can have them.
func (s *Spec) boundaryExternals() []External {
	var list []External
	for _, b := range s.Boundaries {
		if b.managed() {
			continue
		}
		e := External{Kind: KindPolicy, ID: strings.TrimPrefix(b.ARN.Resource, "policy/"), Place: b.Place, Key: b.Key + ".policy"}
		if b.Document != "" {
			e.Attributes = map[string]string{AttributePolicy: b.Document}
		}
		list = append(list, e)
	}
	return list
}

// verifyBoundaries are the boundaries as proofs take them.
func (s *Spec) verifyBoundaries() []verify.Boundary {
	var list []verify.Boundary
	for _, b := range s.Boundaries {
		list = append(list, verify.Boundary{Account: b.Place.Account, ARN: b.ARN.String(), Document: b.Document})
	}
	return list
}

// boundRoles gives every role that is registered from now on the boundary of its account: those of all components, whatever
// they are called and whenever they are written. Which account that is, the role's provider says.
func boundRoles(ctx *pulumi.Context, s *Spec) error {
	if len(s.Boundaries) == 0 {
		return nil
	}
	b := &bounding{arns: map[partition.Account]string{}, accounts: map[pulumi.Resource]partition.Account{}}
	for _, of := range s.Boundaries {
		b.arns[of.Place.Account] = of.ARN.String()
	}
	return ctx.RegisterStackTransformation(b.transform)
}

// bounding follows providers and components to their accounts.
type bounding struct {
	arns map[partition.Account]string

	mu       sync.Mutex
	accounts map[pulumi.Resource]partition.Account
}

func (b *bounding) transform(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok := args.Props.(*aws.ProviderArgs); ok {
		// newProvider names the one account in which a provider may act.
		if allowed, ok := p.AllowedAccountIds.(pulumi.StringArray); ok && len(allowed) == 1 {
			if account, ok := allowed[0].(pulumi.String); ok {
				b.accounts[args.Resource] = partition.Account(account)
			}
		}
		return nil
	}
	account := b.accountOf(args.Opts)
	role, ok := args.Props.(*iam.RoleArgs)
	if !ok {
		b.accounts[args.Resource] = account
		return nil
	}
	if role.PermissionsBoundary != nil || b.arns[account] == "" {
		return nil // rule role-bounded finds a role that has none
	}
	bounded := *role
	bounded.PermissionsBoundary = pulumi.String(b.arns[account])
	return &pulumi.ResourceTransformationResult{Props: &bounded, Opts: args.Opts}
}

// accountOf is where a resource with these options is made: the account of its provider, or of its parent's.
func (b *bounding) accountOf(opts []pulumi.ResourceOption) partition.Account {
	o, err := pulumi.NewResourceOptions(opts...)
	if err != nil {
		return ""
	}
	if o.Provider != nil {
		return b.accounts[o.Provider]
	}
	for _, p := range o.Providers {
		return b.accounts[p]
	}
	if o.Parent != nil {
		return b.accounts[o.Parent]
	}
	return ""
}
