package stacks

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// AccountSpec is a further source account.
type AccountSpec struct {
	Key string // path in the configuration: log-archive:accounts[0]
	// Role is assumed in the account, with ExternalID, which is schema.Placeholder while it isn't decrypted.
	Role       partition.ARN
	ExternalID string
	// Way is ViaStreams or ViaDestination.
	Way string
	// Stack is the stack as this account has it: its place is Home, and its sources are those of the Spec. Archive, names
	// and pipeline are the stack's; it has nothing that a stack has once.
	Stack *Spec
}

// The ways from a further account.
const (
	// ViaStreams gives the account streams of its own, as the stack's own source account has.
	ViaStreams = "streams"
	// ViaDestination subscribes its log groups to a destination in the log-archive account, whose streams all such
	// accounts share.
	ViaDestination = "destination"
)

// accountsField describes further source accounts. Their sources are described as the stack's own.
func accountsField() schema.Field {
	sources := func(f schema.Field, of string) schema.Field {
		f.Doc, f.Example, f.Accepts = of+" of the account, as in `log-archive:"+f.Key+"`.", "", "as there"
		return f
	}
	return schema.Field{
		Key: "accounts", Kind: schema.List,
		Doc: "Further accounts whose logs go to the same archive, from the home region. Each has a provider of its own, which assumes a role there.",
		Example: strings.Join([]string{
			`- account: "555566667777"`,
			"  role: LogArchiveDeployer",
			"  externalId: log-archive-beijing",
			"  via: destination",
			"  logGroups:",
			"    - {name: /app/payments}",
			"  flowLogs:",
			"    - {name: main, vpcId: vpc-0a1b2c3d4e5f60718}",
		}, "\n"),
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: append(assumedFields(
			"The account. Its logs lie below account=... as those of the source account do.",
			"an account id of 12 digits, in quotes; each account once, and neither the source account nor the archive's", "source"),
			schema.Field{Key: "via", Kind: schema.String, Default: ViaStreams, Values: []string{ViaStreams, ViaDestination},
				Doc: "How log groups get to the archive. streams: through streams, roles and a transform function in the account itself. destination: through a CloudWatch Logs destination and streams in the log-archive account, which all such accounts share; the account has nothing but subscription filters. Changing it replaces them, and what is logged meanwhile isn't archived."},
			sources(flowLogsField(), "Flow logs"),
			sources(logGroupsField(), "Log groups"),
			sources(databasesField(), "Databases"),
			sources(subscribeField(), "With via: streams, log groups that aren't named here"),
			sources(accountSubscriptionField(), "With via: streams, every log group"),
		)},
	}
}

// accounts reads the further source accounts, once everything that they share with the stack is read.
func (p *parser) accounts(root schema.Value) {
	s := p.spec
	seen := newOnce(p)
	for _, path := range []string{"sourceAccount", "archive"} {
		v := root.Get(path)
		if path == "archive" {
			v = v.Get("account")
		}
		if v.OK() {
			seen.seen[v.Text()] = v.Path
		}
	}
	for _, item := range root.Get("accounts").Items() {
		account := item.Get("account")
		seen.text(account, "is the account of", "want each account once")
		place := partition.Place{Account: partition.Account(account.Text()), Region: s.Home.Region}
		a := AccountSpec{Key: item.Path, ExternalID: p.externalID(item.Get("externalId"))}
		if role := item.Get("role"); role.OK() {
			a.Role = p.role(role, place, "the account's")
		}
		a.Way = item.Get("via").Text()
		of := &parser{report: p.report, now: p.now, spec: s.at(place)}
		of.flowLogs(item.Get("flowLogs"))
		of.logGroups(item.Get("logGroups"))
		of.databases(item.Get("databases"))
		of.groupsOnce()
		subscribe, all := item.Get("subscribe"), item.Get("accountSubscription")
		of.subscribe(subscribe)
		of.subscribable(subscribe)
		of.accountSubscription(all, subscribe)
		of.leavable(all)
		a.Stack = of.spec
		if a.Way == ViaDestination {
			p.viaDestination(item, root.Get("pipeline"), &a)
		}
		if a.Way == ViaDestination && subscribe.Given {
			p.add(subscribe, "a subscriber gives log groups to a stream of its account, which this one doesn't have; want via: %s, or no subscribe", ViaStreams)
		}
		if a.Way == ViaDestination && a.Stack.AccountSubscription != nil {
			p.add(all, "the policy gives log groups to a stream of its account, which this one doesn't have; want via: %s, or no accountSubscription", ViaStreams)
		}
		if item.Valid && !subscribe.Given && a.Stack.AccountSubscription == nil && len(item.Get("flowLogs").Items())+len(item.Get("logGroups").Items())+len(item.Get("databases").Items()) == 0 {
			p.add(item, "the account has no source; want flowLogs, logGroups, databases, subscribe or accountSubscription, or no such account")
		}
		s.Accounts = append(s.Accounts, a)
	}
	p.shards(root.Get("accounts"))
}

// at is the stack as another account has it: with what all accounts share, and no sources yet.
func (s *Spec) at(place partition.Place) *Spec {
	return &Spec{
		Stack: s.Stack, Home: place, Archive: s.Archive, NamePrefix: s.NamePrefix,
		ArchiveBucket: s.ArchiveBucket, Landing: s.Landing, Pipeline: s.Pipeline, Replay: s.Replay, Monitoring: s.Monitoring, Tags: s.Tags,
	}
}

// account is the account's id.
func (a *AccountSpec) account() partition.Account { return a.Stack.Home.Account }

// sources are the account's rows of the table of sources.
func (a *AccountSpec) sources() []Source {
	rows := a.Stack.ownSources()
	central := a.Stack.central()
	for i, row := range rows {
		if c := a.Stack.streamClass(row.Stream); a.Way == ViaDestination && c != "" {
			rows[i].Stream = central.StreamName(c)
			rows[i].Path = throughDestination(rows[i].Path)
		}
	}
	return rows
}

// streamClass is the class whose stream has the name; "" if none has.
func (s *Spec) streamClass(name string) Class {
	for _, c := range Classes() {
		if s.StreamName(c) == name {
			return c
		}
	}
	return ""
}

// throughDestination is the way of a line in words when a destination is before its stream.
func throughDestination(path string) string {
	return strings.Replace(path, " > firehose", " > destination > firehose", 1)
}

// externals are what must be there in the account: the role first.
func (a *AccountSpec) externals() []External {
	return append([]External{{
		Kind: KindRole, ID: strings.TrimPrefix(a.Role.Resource, "role/"), Place: a.Stack.Home, Key: a.Key + ".role",
		Attributes: map[string]string{AttributeExternalID: a.ExternalID},
	}}, a.Stack.ownExternals()...)
}

// allDeliveries returns who writes to the archive from every source account.
func (s *Spec) allDeliveries() []components.Delivery {
	list := slices.Concat(s.deliveries(), s.replicas(), s.accessLogReplicas())
	for i := range s.Accounts {
		a := &s.Accounts[i]
		if a.Way == ViaDestination {
			list = append(list, a.Stack.flowLogDeliveries(MethodS3)...)
			continue
		}
		list = append(list, a.Stack.deliveries()...)
	}
	central, classes := s.central(), s.centralClasses()
	list = append(list, central.streamDeliveries(classes)...)
	return append(list, central.replays(classes)...)
}

// accounts declares what the further accounts share, and then their sources as those of the stack's own account: each has a
// composer of its own, whose home is there, and whose logical names begin with the account.
func (c *composer) accounts() error {
	central, err := c.centralStreams()
	if err != nil {
		return err
	}
	for i := range c.spec.Accounts {
		a := &c.spec.Accounts[i]
		as := c.spec.assume(a.Role, secretIf(c.ctx, "accounts", a.ExternalID))
		provider, err := newProvider(c.ctx, c.spec, accountProvider(a.account()), a.Stack.Home, as)
		if err != nil {
			return err
		}
		of := &composer{
			ctx: c.ctx, spec: a.Stack, archive: c.archive, replica: c.replica, landing: c.landing, providers: &providers{home: provider},
			scope: string(a.account()) + ":", pipelines: map[Class]*components.FirehoseToS3Pipeline{}, reports: c.reports,
		}
		c.watch(of, c.spec.Home)
		steps := []func() error{of.transformFunction, of.streams, of.flowLogs, of.logGroups, of.subscriber, of.accountSubscription, of.databases, of.replay, of.accountAlarms}
		if a.Way == ViaDestination {
			of.destinations = central[components.LogDestinationShard(a.account())]
			steps = []func() error{of.flowLogs, of.logGroups, of.databases}
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		if len(of.pipelines) > 0 {
			c.further[a.account()] = of.pipelineTable()
		}
	}
	return nil
}

// accountProvider is the logical name of a further account's provider.
func accountProvider(a partition.Account) string { return "account-" + string(a) }

// withSecrets is the spec with what the configuration, which the engine has decrypted, says of secrets that were read
// encrypted: the text of a top-level key.
func (s *Spec) withSecrets(config func(key string) string) *Spec {
	out := *s
	out.Accounts = append([]AccountSpec(nil), s.Accounts...)
	decrypted := func(key string, into any) bool { return json.Unmarshal([]byte(config(key)), into) == nil }
	var archive struct {
		ExternalID string
		Replica    struct{ ExternalID string }
	}
	if decrypted("archive", &archive) {
		if out.ExternalID == schema.Placeholder && archive.ExternalID != "" {
			out.ExternalID = archive.ExternalID
		}
		// In the archive's account, the replica has the archive's.
		if id := cmp.Or(archive.Replica.ExternalID, archive.ExternalID); s.Replica != nil && s.Replica.ExternalID == schema.Placeholder && id != "" {
			r := *s.Replica
			r.ExternalID = id
			out.Replica = &r
		}
	}
	var accounts []struct{ ExternalID string }
	for i := range out.Accounts {
		if out.Accounts[i].ExternalID != schema.Placeholder {
			continue
		}
		if accounts == nil && !decrypted("accounts", &accounts) || len(accounts) != len(out.Accounts) {
			break
		}
		if id := accounts[i].ExternalID; id != "" {
			out.Accounts[i].ExternalID = id
		}
	}
	return &out
}

// withoutSecrets is the spec with placeholders for everything that may be secret.
func (s *Spec) withoutSecrets() *Spec {
	out := *s
	out.ExternalID = schema.Placeholder
	if s.Replica != nil {
		r := *s.Replica
		r.ExternalID = schema.Placeholder
		out.Replica = &r
	}
	out.Accounts = append([]AccountSpec(nil), s.Accounts...)
	for i := range out.Accounts {
		out.Accounts[i].ExternalID = schema.Placeholder
	}
	return &out
}
