package components

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func (args *RdsLogExportsArgs) variables() map[string]string {
	v := map[string]string{
		"LOGARCHIVE_RDSEXPORTS_TAG_KEY":    args.TagKey,
		"LOGARCHIVE_RDSEXPORTS_ON_REMOVAL": args.OnRemoval,
	}
	if args.Mend {
		v["LOGARCHIVE_RDSEXPORTS_MEND"] = "true"
	}
	return v
}

// policy is what the function may do: see and change exactly these databases, write one tag of theirs, and read parameters.
// ModifyDBInstance and ModifyDBCluster change more than exports, and no condition key tells what they are asked to change
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html): that the function asks for
// exports and nothing else is its own doing, and tested.
func (args *RdsLogExportsArgs) policy() policy.Document {
	var instances, clusters []string
	for _, d := range args.Databases {
		if d.args.Cluster {
			clusters = append(clusters, d.arn())
		} else {
			instances = append(instances, d.arn())
		}
	}
	group := func(kind string) []string { return []string{args.Place.ARN(partition.RDS, kind+":*").String()} }
	doc := policy.Document{Statements: []policy.Statement{args.writeOwnLogs(args.Place)}}
	add := func(sid string, actions, resources []string, c policy.Conditions) {
		doc.Statements = append(doc.Statements, allow(sid, actions, resources, c))
	}
	// Which groups a database has is known only by asking, and may change.
	if len(instances) > 0 {
		add("SwitchOnInstances", []string{"rds:DescribeDBInstances", "rds:ModifyDBInstance"}, instances, nil)
		add("ReadParameters", []string{"rds:DescribeDBParameters"}, group("pg"), nil)
		add("ReadOptions", []string{"rds:DescribeOptionGroups"}, group("og"), nil)
	}
	if len(clusters) > 0 {
		add("SwitchOnClusters", []string{"rds:DescribeDBClusters", "rds:ModifyDBCluster"}, clusters, nil)
		add("ReadClusterParameters", []string{"rds:DescribeDBClusterParameters"}, group("cluster-pg"), nil)
	}
	remember := []string{"rds:AddTagsToResource"}
	if args.OnRemoval == RestoreExports { // otherwise nothing is ever forgotten
		remember = append(remember, "rds:RemoveTagsFromResource")
	}
	add("RememberInTag", remember, append(instances, clusters...),
		policy.Conditions{}.With("ForAllValues:StringEquals", "aws:TagKeys", args.TagKey).With("Null", "aws:TagKeys", "false"))
	return doc
}
