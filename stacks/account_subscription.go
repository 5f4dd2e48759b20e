package stacks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// AccountSubscriptionSpec is one policy that subscribes every log group of an account in the home region.
type AccountSubscriptionSpec struct {
	Key string // path in the configuration
	// Exclude are whole names of log groups.
	Exclude       []string
	FilterPattern string
}

const wholeNameAccepts = "up to 512 letters, digits and _ / . # -"

func accountSubscriptionField() schema.Field {
	return schema.Field{
		Key: "accountSubscription", Kind: schema.Object,
		Doc: "Every log group of the account in the home region is archived, new ones at once, by one policy of the account (CloudWatch Logs takes one in an account and region) and without a function or a trail. What is named elsewhere here has filters of its own and is left out of the policy, and so are the pipelines' own groups. It can't stand beside `subscribe`. Each change of what is left out replaces the policy: for a moment nothing that only the policy subscribes is delivered, see docs/operations.md.",
		Example: strings.Join([]string{
			"exclude: [/app/chatter]",
			`filterPattern: "?ERROR ?WARN"`,
		}, "\n"),
		Fields: []schema.Field{
			{Key: "enabled", Kind: schema.Boolean, DefaultText: "true, where another key of accountSubscription is given",
				Doc: "Given alone, for a policy that leaves out nothing but what it must."},
			{Key: "exclude", Kind: schema.List,
				Doc:     "Groups that aren't archived. The pipelines' own never are. CloudWatch Logs leaves out whole names; all that are left out, those of groups with filters of their own among them, have 25 KB together.",
				Accepts: "a list of whole names",
				Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: wholeNameAccepts}},
			{Key: "filterPattern", Kind: schema.String, DefaultText: "everything",
				Doc:     "A filter pattern of CloudWatch Logs, for all of these groups.",
				Accepts: "a filter pattern of up to 1024 characters"},
		},
	}
}

// accountSubscription reads the policy for all log groups; subscribe is the other way to subscribe what isn't named.
func (p *parser) accountSubscription(v, subscribe schema.Value) {
	if enabled := v.Get("enabled"); !v.Given || enabled.OK() && !enabled.Flag() {
		return
	}
	pattern := v.Get("filterPattern")
	s := &AccountSubscriptionSpec{Key: v.Path, FilterPattern: pattern.Text()}
	p.spec.AccountSubscription = s
	if subscribe.Given {
		p.add(v, "%s gives log groups filters of their own, and the policy would deliver each of their events again; want one of the two", subscribe.Path)
	}
	if r := p.spec.Home.Region; r != "" {
		if err := r.Require(partition.AccountSubscriptionPolicy); err != nil {
			p.add(v, "%v; want subscribe instead", err)
		}
	}
	if len(s.FilterPattern) > maxFilterPattern {
		p.add(pattern, "%s has %d characters; want at most %d", schema.Quote(s.FilterPattern), len(s.FilterPattern), maxFilterPattern)
	}
	once := newOnce(p)
	for _, item := range v.Get("exclude").Items() {
		switch name := item.Text(); {
		case !item.OK():
		case strings.HasSuffix(name, "*"):
			p.add(item, "%s: CloudWatch Logs leaves out whole names only; want each name, or subscribe with exclude", schema.Quote(name))
		case !groupForm.MatchString(name):
			p.add(item, "%s is not accepted; want %s", schema.Quote(name), wholeNameAccepts)
		default:
			once.text(item, "is", "want each once")
			s.Exclude = append(s.Exclude, name)
		}
	}
}

// leavable checks what the policy leaves out, once everything is read.
func (p *parser) leavable(v schema.Value) {
	s := p.spec.AccountSubscription
	if s == nil || !v.Valid {
		return
	}
	for _, item := range v.Get("exclude").Items() {
		if i := slices.IndexFunc(p.groups, func(use groupUse) bool { return use.name == item.Text() }); item.OK() && i >= 0 {
			p.add(item, "%s is archived by %s; want it in one of the two places", schema.Quote(item.Text()), p.groups[i].key)
		}
	}
	if err := components.CheckAccountSubscriptionCriteria(slices.Concat(s.Exclude, p.spec.subscribedGroups(), p.spec.ownLogGroups())...); err != nil {
		p.add(v, "%v; want fewer log groups with filters of their own, or fewer in exclude", err)
	}
}

// subscribedGroups are the log groups that have filters of their own, each as often as something writes to it.
func (s *Spec) subscribedGroups() []string {
	var groups []string
	for _, row := range s.ownSources() {
		if row.LogGroup != "" {
			groups = append(groups, row.LogGroup)
		}
	}
	return groups
}

// AccountPolicy is the policy that subscribes every log group. Its name stays when the stream's changes, so that the policy is
// changed and not replaced then.
func (s *Spec) AccountPolicy() string { return s.NamePrefix + "-log-groups" }

// accountSubscriptionSource is the row of the table of sources for all log groups that nothing else is about.
func (s *Spec) accountSubscriptionSource() []Source {
	if s.AccountSubscription == nil {
		return nil
	}
	return []Source{{
		Key: s.AccountSubscription.Key, Kind: KindLogGroups, ID: everyGroup, Path: pathLogGroups,
		Stream: s.StreamName(ClassLogs), Prefix: s.Prefix(ClassLogs),
	}}
}

// accountSubscription declares the policy. All own log groups that this program may ever make are left out from the start, so
// that a class of logs or a function that is added later doesn't replace it.
func (c *composer) accountSubscription() error {
	s := c.spec
	if s.AccountSubscription == nil {
		return nil
	}
	args := &components.AccountLogSubscriptionArgs{
		Place: s.Home, PolicyName: s.AccountPolicy(), Pipeline: c.pipelines[ClassLogs], FilterPattern: s.AccountSubscription.FilterPattern,
		Exclude: s.AccountSubscription.Exclude, Subscribed: s.subscribedGroups(), OwnLogGroups: s.ownLogGroups(),
	}
	for _, name := range sortedKeys(c.subscribed) {
		args.DependsOn = append(args.DependsOn, c.subscribed[name])
	}
	made, err := components.NewAccountLogSubscription(c.ctx, c.scope+"account-subscription", args, c.atHome())
	if err != nil {
		return err
	}
	if c.scope == "" { // a stack has one output, and further accounts have policies of their own
		c.ctx.Export("accountSubscription", pulumi.Map{"policy": made.Policy.PolicyName, "excluded": pulumi.ToStringArray(made.Excluded)})
	}
	return nil
}
