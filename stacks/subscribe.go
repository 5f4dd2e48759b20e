package stacks

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/logarchive/logarchive/stacks/schema"
)

// SubscribeSpec is what subscribes log groups that the configuration doesn't name.
type SubscribeSpec struct {
	// Prefixes are what the names of the groups begin with; none means every group.
	Prefixes []string
	// Exclude are names, or beginnings of names with a star behind them.
	Exclude []string
	// Tags are what a group must have; "*" is any value. None means every group.
	Tags map[string]string
	// RetentionDays is the retention that subscribed groups get which have none; 0 leaves them as they are.
	RetentionDays int
	// Schedule is when all groups are looked at.
	Schedule string
}

// everyGroup selects every log group.
const everyGroup = "*"

const defaultSweep = "rate(1 hour)"

// sweepForm is a rate of EventBridge; its unit is in the singular for one.
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html
var sweepForm = regexp.MustCompile(`^rate\(([1-9][0-9]{0,4}) (minute|hour|day)(s?)\)$`)

func subscribeField() schema.Field {
	return schema.Field{
		Key: "subscribe", Kind: schema.Object,
		Doc: "Log groups that aren't named here are archived, too: new ones when CloudTrail tells of them, which takes a trail of the account that records management events, and any other at the next sweep. Groups that have two filters of others are left alone, and an alarm tells of them.",
		Example: strings.Join([]string{
			"prefixes: [/aws/lambda/, /app/]",
			"exclude: [/aws/lambda/sandbox-*]",
			`tags: {log-archive: "yes"}`,
			"retentionDays: 90",
			"schedule: rate(1 hour)",
		}, "\n"),
		Fields: []schema.Field{
			{Key: "prefixes", Kind: schema.List, Required: true,
				Doc:     "What the names of the groups begin with.",
				Accepts: `a list of beginnings of names, such as /aws/lambda/, or ["*"] for every group`,
				Items: &schema.Field{Kind: schema.String, Required: true,
					Accepts: "up to 512 letters, digits and _ / . # -, or a star alone"}},
			{Key: "exclude", Kind: schema.List,
				Doc:     "Groups that aren't archived. The pipelines' own never are.",
				Accepts: "a list of names, or of beginnings of names with a star behind them",
				Items: &schema.Field{Kind: schema.String, Required: true,
					Accepts: "up to 512 letters, digits and _ / . # -, perhaps with a star behind them"}},
			{Key: "tags", Kind: schema.Map,
				Doc:     "Tags that a group must have, all of them; the value \"*\" is any. They are read when a group is new and in each sweep: a group that gets them later is subscribed then, and one that loses them stays subscribed.",
				Accepts: "a map of up to 10 tags, without commas, and keys without =",
				Example: `{log-archive: "yes", team: "*"}`},
			{Key: "retentionDays", Kind: schema.Integer, DefaultText: "as it is", Accepts: retentionWords,
				Doc: "Retention of the subscribed groups that keep their events for ever. One that is there is neither shortened nor lengthened. Groups older than this are left as they are: their oldest events, which nobody has archived, would be deleted at once."},
			{Key: "schedule", Kind: schema.String, DefaultText: defaultSweep,
				Doc:     "When all groups are looked at (UTC).",
				Accepts: "rate(n minutes), rate(n hours), rate(n days), or cron(minutes hours day-of-month month day-of-week year)"},
		},
	}
}

// subscribe reads which log groups are found.
func (p *parser) subscribe(v schema.Value) {
	if !v.Given {
		return
	}
	s := &SubscribeSpec{Schedule: cmp.Or(v.Get("schedule").Text(), defaultSweep)}
	p.spec.Subscribe = s
	prefixes := v.Get("prefixes")
	once := newOnce(p)
	for _, item := range prefixes.Items() {
		name := item.Text()
		switch {
		case !item.OK():
		case name == everyGroup && len(prefixes.Items()) > 1:
			p.add(item, "%s is every group; want it alone", schema.Quote(name))
		case name == everyGroup:
		case !groupForm.MatchString(name):
			p.add(item, "%s is not accepted; want up to 512 letters, digits and _ / . # -, or a star alone", schema.Quote(name))
		case p.isOwn(name):
			p.add(item, "%s begins a pipeline's own groups, whose events would go round in a circle; want another", schema.Quote(name))
		default:
			once.text(item, "is", "want each once")
			s.Prefixes = append(s.Prefixes, name)
		}
	}
	once = newOnce(p)
	for _, item := range v.Get("exclude").Items() {
		if item.OK() && !groupForm.MatchString(strings.TrimSuffix(item.Text(), "*")) {
			p.add(item, "%s is not accepted; want up to 512 letters, digits and _ / . # -, perhaps with a star behind them", schema.Quote(item.Text()))
			continue
		}
		once.text(item, "is", "want each once")
		s.Exclude = append(s.Exclude, item.Text())
	}
	p.groupTags(v.Get("tags"))
	if days := v.Get("retentionDays"); days.Given {
		s.RetentionDays = p.retention(days)
	}
	if schedule := v.Get("schedule"); schedule.OK() {
		if err := checkSweep(schedule.Text()); err != nil {
			p.add(schedule, "%s: %v", schema.Quote(schedule.Text()), err)
		}
	}
}

// maxGroupTags is how many tags of a group are asked for: they are told to the function in its environment.
const maxGroupTags = 10

// groupTags reads what tags a group must have. An empty map selects nothing in particular and is refused: whoever writes it
// means something else.
func (p *parser) groupTags(v schema.Value) {
	if !v.OK() {
		return
	}
	p.spec.Subscribe.Tags = v.Pairs()
	if n := len(v.Pairs()); n == 0 || n > maxGroupTags {
		p.add(v, "%d tags; want 1 to %d, or no tags", n, maxGroupTags)
	}
	for _, key := range sortedKeys(v.Pairs()) {
		value := v.Pairs()[key]
		anyValue := value == "*"
		if key == "" || len([]rune(key)) > 128 || !tagText(key) || strings.Contains(key, "=") || len([]rune(value)) > 256 || !anyValue && !tagText(value) {
			p.add(v.Get(key), "%s: %s is not a tag; want a key of up to 128 and a value of up to 256 letters, digits, spaces and + - . _ : / @ (and = in the value), or * for any value", schema.Quote(key), schema.Quote(value))
		}
	}
}

// isOwn says whether a name is that of one of the pipelines' own log groups, or begins as only theirs do.
func (p *parser) isOwn(name string) bool {
	return slices.ContainsFunc(p.spec.ownLogGroups(), func(own string) bool { return strings.HasPrefix(name, own) })
}

// subscribable checks what the function is told in its environment, once everything is read: with what is left out
// because it is archived already, it has a limited length.
func (p *parser) subscribable(v schema.Value) {
	if p.spec.Subscribe == nil || !v.Valid {
		return
	}
	size := 0
	for _, name := range slices.Concat(p.spec.Subscribe.Prefixes, p.spec.excluded()) {
		size += len(name) + 1
	}
	for key, value := range p.spec.Subscribe.Tags {
		size += len(key) + len(value) + 2
	}
	if room := maxVariables * 3 / 4; size > room {
		p.add(v, "the prefixes, tags and what is excluded, databases and flow logs of this configuration included, have %d characters together; want at most %d", size, room)
	}
}

// excluded are the groups that the subscriber leaves alone: those that the configuration excludes, and those that another
// stream archives. The groups of logGroups need not be among them: it sees that they have a filter to its own stream.
func (s *Spec) excluded() []string {
	list := slices.Clone(s.Subscribe.Exclude)
	add := func(pattern string) {
		if !slices.Contains(list, pattern) {
			list = append(list, pattern)
		}
	}
	add(s.FlowLogGroups() + "*")
	for _, d := range s.Databases {
		add(strings.TrimSuffix(databaseLogGroup(d, ""), "/") + "/*")
	}
	return list
}

// checkSweep says whether EventBridge takes the expression.
func checkSweep(expression string) error {
	if m := sweepForm.FindStringSubmatch(expression); m != nil {
		if n, err := strconv.Atoi(m[1]); err != nil || (n == 1) != (m[3] == "") {
			return fmt.Errorf("EventBridge wants the unit in the singular for 1 and in the plural for more")
		}
		return nil
	}
	if strings.HasPrefix(expression, "rate(") {
		return fmt.Errorf("want rate(1 hour), or another whole number of minutes, hours or days")
	}
	return checkCron(expression)
}
