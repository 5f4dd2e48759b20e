package components

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// DashboardArgs are the Args of [NewDashboard].
type DashboardArgs struct {
	// Place is where the dashboard is, and the metrics that say no other region.
	Place partition.Place
	// DashboardName is up to 255 letters, digits, hyphens and underscores.
	DashboardName string
	// Title is the heading.
	Title string
	// Rows are shown from top to bottom.
	Rows []DashboardRow
}

// DashboardRow is the state of a path's alarms, and its metrics.
type DashboardRow struct {
	Title string
	// Alarms are names of alarms in the dashboard's place; none shows no states.
	Alarms []string
	Graphs []DashboardGraph
}

// DashboardGraph shows metrics over time.
type DashboardGraph struct {
	Title, Statistic string
	Metrics          []Metric
}

var dashboardName = nameRule{regexp.MustCompile(`^[\w-]{1,255}$`), "want 1 to 255 letters, digits, hyphens and underscores"}

// Limits of dashboards: 500 widgets, 100 alarms in one, a grid of 24 columns.
//
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
const (
	mostWidgets      = 500
	mostWidgetAlarms = 100
	gridColumns      = 24
	rowHeight        = 6
)

func (args *DashboardArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("DashboardName", args.DashboardName, dashboardName)
	widgets := 1
	for i, r := range args.Rows {
		widgets += len(r.Graphs) + 1
		if len(r.Alarms) > mostWidgetAlarms {
			p.add(at("Rows", i, ".Alarms"), len(r.Alarms), "want at most %d", mostWidgetAlarms)
		}
		for _, g := range r.Graphs {
			for _, m := range g.Metrics {
				p.refuse(at("Rows", i, ".Graphs"), m.Namespace+" "+m.Name, args.Place.Partition().RequireMetric(m.Namespace, m.Name))
			}
		}
	}
	if widgets > mostWidgets {
		p.add("Rows", widgets, "a dashboard has at most %d widgets", mostWidgets)
	}
	return p.err("Dashboard", name)
}

// widget is an element of a dashboard's body.
type widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

func (args *DashboardArgs) body() (string, error) {
	widgets := []widget{{Type: "text", Width: gridColumns, Height: 1, Properties: map[string]any{"markdown": "# " + args.Title}}}
	y := 1
	for _, row := range args.Rows {
		widgets = append(widgets, widget{Type: "text", Y: y, Width: gridColumns, Height: 1, Properties: map[string]any{"markdown": "## " + row.Title}})
		y++
		columns := len(row.Graphs)
		if len(row.Alarms) > 0 {
			columns++
		}
		x := 0
		place := func(kind string, properties map[string]any) {
			width := gridColumns / min(max(columns, 1), 4)
			if x+width > gridColumns {
				x, y = 0, y+rowHeight
			}
			widgets = append(widgets, widget{Type: kind, X: x, Y: y, Width: width, Height: rowHeight, Properties: properties})
			x += width
		}
		if len(row.Alarms) > 0 {
			var arns []string
			for _, a := range row.Alarms {
				arns = append(arns, args.Place.ARN(partition.CloudWatch, "alarm:"+a).String())
			}
			place("alarm", map[string]any{"title": "Alarms", "alarms": arns})
		}
		for _, g := range row.Graphs {
			metrics := [][]any{}
			for _, m := range g.Metrics {
				line := []any{m.Namespace, m.Name}
				for _, k := range slices.Sorted(maps.Keys(m.Dimensions)) {
					line = append(line, k, m.Dimensions[k])
				}
				metrics = append(metrics, line)
			}
			place("metric", map[string]any{
				"title": g.Title, "region": args.Place.Region, "stat": g.Statistic, "period": 300, "view": "timeSeries", "metrics": metrics,
			})
		}
		y += rowHeight
	}
	text, err := json.Marshal(map[string]any{"widgets": widgets})
	return string(text), err
}

// NewDashboard registers a CloudWatch dashboard. Errors: [ArgsError].
func NewDashboard(ctx *pulumi.Context, name string, args *DashboardArgs, opts ...pulumi.ResourceOption) (*cloudwatch.Dashboard, error) {
	if args == nil {
		args = &DashboardArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	body, err := args.body()
	if err != nil {
		return nil, err
	}
	return cloudwatch.NewDashboard(ctx, name, &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(args.DashboardName),
		DashboardBody: pulumi.String(body),
	}, opts...)
}
