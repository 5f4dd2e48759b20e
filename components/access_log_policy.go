package components

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// policy is the policy of a bucket of access logs: what everybody is denied, and what the services may write.
func (args *AccessLogBucketArgs) policy() (policy.Document, error) {
	p := args.Place.Partition()
	bucket := partition.BucketARN(p, args.BucketName).String()
	doc := policy.Document{Statements: append(transportDenials(bucket), nobodyDeletes(bucket, args.BreakGlassRoleArns))}
	balancers, err := args.balancers()
	if err != nil {
		return doc, err
	}
	network, err := args.networkBalancers(bucket)
	if err != nil {
		return doc, err
	}
	buckets, err := args.serverAccess()
	if err != nil {
		return doc, err
	}
	for _, s := range []*policy.Statement{balancers, network, buckets} {
		if s != nil {
			doc.Statements = append(doc.Statements, *s)
		}
	}
	return doc, nil
}

// balancerObjects are the objects of the load balancers of some accounts.
func (args *AccessLogBucketArgs) balancerObjects(accounts []partition.Account) []string {
	var out []string
	for _, a := range sorted(accounts) {
		out = append(out, partition.ObjectARN(args.Place.Partition(), args.BucketName, BalancerPrefix+"/AWSLogs/"+string(a)+"/*").String())
	}
	return out
}

// balancers lets Elastic Load Balancing write for application and classic load balancers: as the region's own account, in China
// the only way, or in newer regions under the service's name
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html#attach-bucket-policy).
func (args *AccessLogBucketArgs) balancers() (*policy.Statement, error) {
	if len(args.BalancerAccounts) == 0 {
		return nil, nil
	}
	s := &policy.Statement{Sid: "DeliverBalancerLogs", Effect: policy.Allow, Action: []string{"s3:PutObject"}, Resource: args.balancerObjects(args.BalancerAccounts)}
	if account, err := partition.ELBAccount(args.Place.Region); err == nil {
		// It sends no condition key that says for whom; the account in the key does.
		s.Principal = policy.AWSPrincipals(partition.Place{Account: account, Region: args.Place.Region}.RootARN().String())
		return s, nil
	}
	name, err := args.Place.PrincipalFor(partition.ELBLogDelivery, partition.Deliver)
	if err != nil {
		return nil, err
	}
	var sources []string
	for _, a := range sorted(args.BalancerAccounts) {
		sources = append(sources, partition.Place{Account: a, Region: args.Place.Region}.ARN(partition.ELB, "loadbalancer/*").String())
	}
	s.Principal, s.Condition = policy.Services(name), policy.Conditions{}.With("ArnLike", "aws:SourceArn", sources...)
	return s, nil
}

// networkBalancers lets the log delivery service write for network load balancers
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/enable-access-logs.html).
func (args *AccessLogBucketArgs) networkBalancers(bucket string) (*policy.Statement, error) {
	if len(args.NetworkBalancerAccounts) == 0 {
		return nil, nil
	}
	name, err := args.Place.PrincipalFor(partition.LogDelivery, partition.Deliver)
	if err != nil {
		return nil, err
	}
	var accounts, sources []string
	for _, a := range sorted(args.NetworkBalancerAccounts) {
		accounts = append(accounts, string(a))
		sources = append(sources, partition.Place{Account: a, Region: args.Place.Region}.ARN(partition.Logs, "*").String())
	}
	return &policy.Statement{
		Sid: "DeliverNetworkBalancerLogs", Effect: policy.Allow, Principal: policy.Services(name),
		Action:    []string{"s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"},
		Resource:  append([]string{bucket}, args.balancerObjects(args.NetworkBalancerAccounts)...),
		Condition: policy.Conditions{}.With("StringEquals", "aws:SourceAccount", accounts...).With("ArnLike", "aws:SourceArn", sources...),
	}, nil
}

// serverAccess lets S3 write the server access logs of the buckets
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html#grant-log-delivery-permissions-general).
func (args *AccessLogBucketArgs) serverAccess() (*policy.Statement, error) {
	if len(args.Buckets) == 0 {
		return nil, nil
	}
	name, err := args.Place.PrincipalFor(partition.S3ServerAccessLogs, partition.Deliver)
	if err != nil {
		return nil, err
	}
	p := args.Place.Partition()
	var sources, objects []string
	for _, b := range sorted(args.Buckets) {
		sources = append(sources, partition.BucketARN(p, b).String())
		objects = append(objects, partition.ObjectARN(p, args.BucketName, ServerAccessLogPrefix(b)+"*").String())
	}
	return &policy.Statement{
		Sid: "DeliverServerAccessLogs", Effect: policy.Allow, Principal: policy.Services(name), Action: []string{"s3:PutObject"}, Resource: objects,
		Condition: policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(args.Place.Account)).With("ArnLike", "aws:SourceArn", sources...),
	}, nil
}
