// Package connect is what package rdsexports needs of AWS, by the AWS SDK.
package connect

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/logarchive/logarchive/functions/rdsexports"
)

// New connects with the SDK's default configuration. The SDK repeats what was throttled; the handler waits for databases.
func New(ctx context.Context) (RDS, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return RDS{}, fmt.Errorf("configuration of the AWS SDK: %w", err)
	}
	return RDS{rds.NewFromConfig(cfg)}, nil
}

// RDS is an rdsexports.RDS.
type RDS struct{ Client *rds.Client }

var _ rdsexports.RDS = RDS{}

// Describe calls DescribeDBInstances or DescribeDBClusters for one database, which is what a policy on its ARN allows.
func (r RDS) Describe(ctx context.Context, kind rdsexports.Kind, id string) (rdsexports.Database, error) {
	if kind == rdsexports.Cluster {
		out, err := r.Client.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: &id})
		if err != nil {
			return rdsexports.Database{}, err
		}
		if len(out.DBClusters) != 1 {
			return rdsexports.Database{}, fmt.Errorf("RDS answered %d clusters for %s", len(out.DBClusters), id)
		}
		return cluster(out.DBClusters[0]), nil
	}
	out, err := r.Client.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil {
		return rdsexports.Database{}, err
	}
	if len(out.DBInstances) != 1 {
		return rdsexports.Database{}, fmt.Errorf("RDS answered %d instances for %s", len(out.DBInstances), id)
	}
	return instance(out.DBInstances[0]), nil
}

func instance(i types.DBInstance) rdsexports.Database {
	d := rdsexports.Database{
		Kind: rdsexports.Instance, ID: aws.ToString(i.DBInstanceIdentifier), ARN: aws.ToString(i.DBInstanceArn),
		Engine: aws.ToString(i.Engine), Status: aws.ToString(i.DBInstanceStatus), Exports: i.EnabledCloudwatchLogsExports,
		IAMAuthentication: aws.ToBool(i.IAMDatabaseAuthenticationEnabled), Tags: tags(i.TagList),
	}
	if p := i.PendingModifiedValues; p != nil {
		d.Enabling, d.Disabling = pending(p.PendingCloudwatchLogsExports)
	}
	for _, g := range i.DBParameterGroups {
		d.ParameterGroups = append(d.ParameterGroups, aws.ToString(g.DBParameterGroupName))
	}
	for _, g := range i.OptionGroupMemberships {
		d.OptionGroups = append(d.OptionGroups, aws.ToString(g.OptionGroupName))
	}
	return d
}

func cluster(c types.DBCluster) rdsexports.Database {
	d := rdsexports.Database{
		Kind: rdsexports.Cluster, ID: aws.ToString(c.DBClusterIdentifier), ARN: aws.ToString(c.DBClusterArn),
		Engine: aws.ToString(c.Engine), Status: aws.ToString(c.Status), Exports: c.EnabledCloudwatchLogsExports,
		IAMAuthentication: aws.ToBool(c.IAMDatabaseAuthenticationEnabled), Tags: tags(c.TagList),
	}
	if p := c.PendingModifiedValues; p != nil {
		d.Enabling, d.Disabling = pending(p.PendingCloudwatchLogsExports)
	}
	if g := aws.ToString(c.DBClusterParameterGroup); g != "" {
		d.ParameterGroups = []string{g}
	}
	return d
}

func pending(p *types.PendingCloudwatchLogsExports) (enabling, disabling []string) {
	if p == nil {
		return nil, nil
	}
	return p.LogTypesToEnable, p.LogTypesToDisable
}

func tags(list []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range list {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// Export calls ModifyDBInstance or ModifyDBCluster with the log types and nothing else. ApplyImmediately isn't sent: it
// would apply whatever else waits for the maintenance window, and exports are changed at once in any case
// (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html).
func (r RDS) Export(ctx context.Context, kind rdsexports.Kind, id string, enable, disable []string) error {
	exports := &types.CloudwatchLogsExportConfiguration{EnableLogTypes: enable, DisableLogTypes: disable}
	if kind == rdsexports.Cluster {
		_, err := r.Client.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{DBClusterIdentifier: &id, CloudwatchLogsExportConfiguration: exports})
		return err
	}
	_, err := r.Client.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: &id, CloudwatchLogsExportConfiguration: exports})
	return err
}

// Parameters calls DescribeDBParameters or DescribeDBClusterParameters until there are no more.
func (r RDS) Parameters(ctx context.Context, kind rdsexports.Kind, group string) (map[string]string, error) {
	all := map[string]string{}
	add := func(list []types.Parameter) {
		for _, p := range list {
			if p.ParameterValue != nil {
				all[aws.ToString(p.ParameterName)] = *p.ParameterValue
			}
		}
	}
	if kind == rdsexports.Cluster {
		pages := rds.NewDescribeDBClusterParametersPaginator(r.Client, &rds.DescribeDBClusterParametersInput{DBClusterParameterGroupName: &group})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			add(out.Parameters)
		}
		return all, nil
	}
	pages := rds.NewDescribeDBParametersPaginator(r.Client, &rds.DescribeDBParametersInput{DBParameterGroupName: &group})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		add(out.Parameters)
	}
	return all, nil
}

// Options calls DescribeOptionGroups for one group.
func (r RDS) Options(ctx context.Context, group string) ([]string, error) {
	out, err := r.Client.DescribeOptionGroups(ctx, &rds.DescribeOptionGroupsInput{OptionGroupName: &group})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, g := range out.OptionGroupsList {
		for _, o := range g.Options {
			names = append(names, aws.ToString(o.OptionName))
		}
	}
	return names, nil
}

// Tag calls AddTagsToResource.
func (r RDS) Tag(ctx context.Context, arn, key, value string) error {
	_, err := r.Client.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: &arn, Tags: []types.Tag{{Key: &key, Value: &value}}})
	return err
}

// Untag calls RemoveTagsFromResource.
func (r RDS) Untag(ctx context.Context, arn, key string) error {
	_, err := r.Client.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: &arn, TagKeys: []string{key}})
	return err
}
