package partition

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Row is one fact of the table, for documents and tests.
type Row struct {
	Topic     string // what kind of fact, such as "service principal"
	Subject   string // what it is about: a service, feature, limit or region
	Partition Partition
	Region    Region // "" for the whole partition
	Value     string
	Source    string // key of the fact sheet and confidence
	Note      string
}

// Facts returns the whole table, in a stable order. Every row has a source.
func Facts() []Row {
	var rows []Row
	add := func(topic, subject string, p Partition, r Region, value, source, note string) {
		rows = append(rows, Row{topic, subject, p, r, value, source, note})
	}
	for _, r := range regionTable {
		note := ""
		if r.optIn {
			note = "opt-in"
		}
		add("region", r.name, r.partition, r.region, string(r.region), regionSource, note)
	}
	for _, p := range Partitions() {
		add("DNS suffix", "endpoints", p, "", p.DNSSuffix(), suffixSource, "")
		add("console", "domain", p, "", p.ConsoleDomain(), "BC; RI (H)", "")
		add("SAML audience", "SAML:aud", p, "", p.SAMLAudience(), "RI; LZA operations-stack.ts (H)", "")
	}
	for _, r := range principalTable {
		subject := string(r.service)
		if r.use != "" {
			subject += " (" + string(r.use) + ")"
		}
		add("service principal", subject, AWS, "", orNone(r.aws), r.awsBy, r.note)
		add("service principal", subject, China, "", orNone(r.china), r.chinaBy, r.note)
	}
	for _, p := range Partitions() {
		for _, f := range passedForms {
			if f.in == "" || f.in == p {
				add("iam:PassedToService", string(f.service), p, "", f.form, f.source, "besides the name in trust policies")
			}
		}
		for _, t := range callTypes {
			if t.in == "" || t.in == p {
				add("event of an API call", "detail-type", p, "", t.name, t.source, "")
			}
		}
	}
	for _, r := range featureTable {
		add("feature", string(r.feature), AWS, "", r.aws.Support.String(), r.aws.Source, r.aws.Note)
		add("feature", string(r.feature), China, "", r.china.Support.String(), r.china.Source, r.china.Note)
		for _, region := range slices.Sorted(maps.Keys(r.regions)) {
			f := r.regions[region]
			add("feature", string(r.feature), region.Partition(), region, f.Support.String(), f.Source, f.Note)
		}
	}
	for _, r := range metricTable {
		for _, name := range r.names {
			add("metric", r.namespace+" "+name, AWS, "", r.aws.Support.String(), r.aws.Source, r.aws.Note)
			add("metric", r.namespace+" "+name, China, "", r.china.Support.String(), r.china.Source, r.china.Note)
		}
	}
	for _, r := range limitTable {
		if r.region != anywhere {
			add("limit", string(r.limit), r.region.Partition(), r.region, fmt.Sprint(r.value), r.source, "")
			continue
		}
		for _, p := range Partitions() {
			add("limit", string(r.limit), p, "", fmt.Sprint(r.value), r.source, "")
		}
	}
	rows = append(rows, placeRows()...)
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Region, b.Region))
	})
	return rows
}

// placeRows has the facts that hold for one region each, and those that are computed from it.
func placeRows() []Row {
	var rows []Row
	for r, a := range elbAccounts {
		rows = append(rows, Row{"log delivery account", "load balancers", r.Partition(), r, string(a), elbSource, ""})
	}
	for r, a := range cloudTrailAccounts {
		rows = append(rows, Row{"log delivery account", "CloudTrail, legacy", r.Partition(), r, string(a), cloudTrailSource, ""})
	}
	for r, c := range firehoseCIDRs {
		rows = append(rows, Row{"address range", "Firehose", r.Partition(), r, c, firehoseCIDRSource, ""})
	}
	for _, home := range China.Regions() {
		for _, to := range BackupRegions(home) {
			rows = append(rows, Row{"copy", "from " + string(home), China, home, string(to), chinaCopySource, ""})
		}
	}
	rows = append(rows, Row{"copy", "from any region", AWS, "", "any other region of aws", copySource, ""})
	for _, p := range Partitions() {
		place := Place{Region: p.Regions()[0]}
		for s := range viaServices {
			if v, err := place.ViaService(s); err == nil {
				rows = append(rows, Row{"kms:ViaService", string(s), p, place.Region, v, viaSource, ""})
			}
		}
		for s := range regional {
			if v, err := place.Endpoint(s); err == nil {
				rows = append(rows, Row{"endpoint", string(s), p, place.Region, v, endpointSource, ""})
			}
		}
		for s, e := range globalEndpoint {
			rows = append(rows, Row{"endpoint", string(s), p, "", e[p], endpointSource, "one for the partition"})
		}
		for s, e := range interfaceEndpoints {
			source := vpcEndpointSource
			if p == China && !e.cn {
				source = vpcEndpointPlainSource
			}
			if v, err := place.Region.EndpointService(s, Interface); err == nil {
				rows = append(rows, Row{"VPC endpoint service", string(s), p, place.Region, v, source, ""})
			}
		}
		for s := range gatewayEndpoints {
			if v, err := place.Region.EndpointService(s, Gateway); err == nil {
				rows = append(rows, Row{"VPC endpoint service", string(s) + " (gateway)", p, place.Region, v, vpcEndpointSource, ""})
			}
		}
		for s, r := range serviceRoles {
			rows = append(rows, Row{"service-linked role", string(s), p, "", r.name, r.source, ""})
		}
		for _, r := range storageTable {
			f := r.Class.Feature(p)
			value := fmt.Sprintf("%s; from day %d, charged %d days, %d days after IA", f.Support, r.MinAgeDays, r.MinStorageDays, r.AfterIADays)
			rows = append(rows, Row{"storage class", string(r.Class), p, "", value, r.Source + "; " + f.Source, ""})
		}
		rows = append(rows, Row{"log retention", "days", p, "", fmt.Sprint(logRetentionDays), retentionSource, ""})
	}
	for s, f := range arnForms {
		value := "arn:{partition}:" + f.name + ":{region}:{account}:…"
		if f.noRegion {
			value = "arn:{partition}:" + f.name + "::{account}:…"
		}
		if f.noAccount {
			value = "arn:{partition}:" + f.name + ":::…"
		}
		for _, p := range Partitions() {
			rows = append(rows, Row{"ARN", string(s), p, "", value, f.source, ""})
		}
	}
	return rows
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
