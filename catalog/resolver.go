package catalog

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Tokens of Route 53 Resolver's query logs.
const (
	QueryLogConfig            = "aws:route53/resolverQueryLogConfig:ResolverQueryLogConfig"
	QueryLogConfigAssociation = "aws:route53/resolverQueryLogConfigAssociation:ResolverQueryLogConfigAssociation"
)

// Query logs of Route 53 Resolver. See
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_route53resolver_CreateResolverQueryLogConfig.html
var resolverModels = []*model{{
	token: QueryLogConfig, nameProperty: "name", code: "InvalidParameterException",
	// terraform-provider-aws, resource aws_route53_resolver_query_log_config: ForceNew of both.
	forceNew: []string{"name", "destinationArn"},
	texts:    map[string]textRule{"name": nameRule(`a-zA-Z0-9_' \-`, 1, 64, "1 to 64 letters, digits, spaces and - _ '")},
	arns:     []string{"destinationArn"},
	check: func(c *checking) {
		arn, ok := c.known("destinationArn")
		if !ok {
			return
		}
		switch arn.Service {
		case partition.S3, partition.Firehose:
		case partition.Logs:
			if arn.Place() != c.Place {
				c.fail("destinationArn", "InvalidParameterException", "%q is not in %s: a log group must be in the account and region of the configuration", arn, c.Place)
			}
		default:
			c.fail("destinationArn", "InvalidParameterException", "%q is not a bucket, a log group or a Firehose stream", arn)
		}
	},
	complete: func(c *completion) {
		c.id = "rqlc-" + c.hex("id", 16)
		c.set("arn", c.arn(partition.Route53Resolver, "resolver-query-log-config/"+c.id))
		c.set("ownerId", string(c.Place.Account))
		c.set("shareStatus", "NOT_SHARED")
	},
	references: func(r *referring) {
		targets := map[string]string{"s3": Bucket, "logs:log-group": LogGroup, "firehose:deliverystream": Stream}
		r.service("destinationArn", targets, Reference{Code: "ResourceNotFoundException"})
		for i := range r.refs {
			r.refs[i].SameRegion = true
			r.refs[i].SameAccount = r.refs[i].TargetToken != Bucket
		}
	},
}, {
	token: QueryLogConfigAssociation, code: "InvalidParameterException",
	// terraform-provider-aws, resource aws_route53_resolver_query_log_config_association: ForceNew of both.
	forceNew: []string{"resolverQueryLogConfigId", "resourceId"},
	check: func(c *checking) {
		if id := c.in.str("resourceId"); id != "" && id != unknown && !hexID.MatchString(strings.TrimPrefix(id, "vpc-")) {
			c.fail("resourceId", "InvalidParameterException", "%q is not the id of a VPC", id)
		}
	},
	complete: func(c *completion) { c.id = "rqlca-" + c.hex("id", 16) },
	references: func(r *referring) {
		r.each("resolverQueryLogConfigId", Reference{TargetToken: QueryLogConfig, By: ByID, SameRegion: true, Code: "ResourceNotFoundException"})
		r.id("resourceId", "aws:ec2/vpc:Vpc", "ResourceNotFoundException")
	},
}}
