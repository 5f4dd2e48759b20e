package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// FlowLogRoleArgs are the Args of [NewFlowLogRole].
type FlowLogRoleArgs struct {
	// Place is where the flow logs are.
	Place partition.Place
	// RoleName is the role's name.
	RoleName string
	// LogGroupPrefix is what the names of all the log groups begin with that the flow logs write to, such as
	// "/log-archive/flow-logs/". The role may write to those, and to no others.
	LogGroupPrefix string
	// Tags are put on the role.
	Tags map[string]string
}

// FlowLogRole is what the flow log service acts as when it writes to log groups. One role serves all flow logs of a
// place.
type FlowLogRole struct {
	pulumi.ResourceState
	Arn pulumi.StringOutput

	place  partition.Place
	prefix string
	policy *iam.RolePolicy
}
