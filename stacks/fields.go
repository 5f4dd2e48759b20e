package stacks

import (
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// Namespace is the namespace of this program's configuration keys: the project's name in Pulumi.yaml.
const Namespace = "log-archive"

// minRetentionDays is how long logs are kept at least: six months, which China's Cybersecurity Law (article 21) asks for
// and auditors elsewhere ask for, too.
const minRetentionDays = 180

// maxDays is the longest time that S3 takes for a lock: 100 years.
const maxDays = 36500

// Forms of names and ids that need no other knowledge.
var (
	accountForm  = regexp.MustCompile(`^[0-9]{12}$`)
	prefixForm   = regexp.MustCompile(`^[a-z](-?[a-z0-9])+$`)
	nameForm     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	externalForm = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	vaultForm    = regexp.MustCompile(`^[a-zA-Z0-9_-]{2,50}$`)
	ruleForm     = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,50}$`)
	groupForm    = regexp.MustCompile(`^[a-zA-Z0-9_/.#-]{1,512}$`)
	databaseForm = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*$`)
)

// Forms of EC2's ids: the short one of old accounts or the long one.
var (
	vpcForm     = resourceForm("vpc")
	subnetForm  = resourceForm("subnet")
	eniForm     = resourceForm("eni")
	gatewayForm = resourceForm("tgw")
)

func resourceForm(prefix string) *regexp.Regexp {
	return regexp.MustCompile(`^` + prefix + `-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
}

const retentionWords = "a number of days that CloudWatch Logs accepts, such as 1, 3, 5, 7, 14, 30, 60, 90, 180 or 365"

// Fields returns the description of the configuration: the one source of its checks, of Pulumi.yaml's config section and
// of docs/configuration.md.
func Fields() []schema.Field {
	fields := []schema.Field{
		{
			Key: "sourceAccount", Kind: schema.String, Required: true, Pattern: accountForm,
			Doc:     "The account whose logs are archived.",
			Accepts: "an account id of 12 digits, in quotes",
			Example: `"111122223333"`,
		},
		{
			Key: "homeRegion", Kind: schema.String, Required: true,
			Doc:     "The region of the sources. Its partition (China or elsewhere) is the stack's partition.",
			Accepts: "a region, such as cn-north-1 or us-east-1",
			Example: "cn-north-1",
		},
		{
			Key: "backupRegion", Kind: schema.String, Required: true,
			Doc:     "The region of the archive and of the copies of backups: another one of the same partition.",
			Accepts: "a region that the home region can copy to; in China, Beijing and Ningxia are each other's",
			Example: "cn-northwest-1",
		},
		{
			Key: "namePrefix", Kind: schema.String, Default: "log-archive", Pattern: prefixForm,
			Doc:     "The beginning of the names of everything that the stack creates. Changing it replaces them.",
			Accepts: "two or more lower-case letters, digits and single hyphens, a letter first; short enough for the names made from it (64 characters for roles and streams, 50 for vaults)",
			Example: "log-archive",
		},
		archiveField(),
		landingField(),
		pipelineField(),
		flowLogsField(),
		logGroupsField(),
		subscribeField(),
		accountSubscriptionField(),
		instancesField(),
		syslogField(),
		vpcEndpointsField(),
		replayField(),
		databasesField(),
		siemField(),
		queriesField(),
		cloudTrailField(),
		serviceFields()[0],
		serviceFields()[1],
		serviceFields()[2],
		accountsField(),
		accessLogsField(),
		databaseExportsField(),
		backupField(),
		monitoringField(),
	}
	fields = append(fields, proofFields()...)
	return append(fields, boundaryField(), schema.Field{
		Key: "tags", Kind: schema.Map,
		Doc:     "Tags for every resource that can have some.",
		Accepts: "up to 40 tags; keys of up to 128 and values of up to 256 letters, digits, spaces and + - = . _ : / @",
		Example: "team: security\ncost-center: \"4711\"",
	})
}

func archiveField() schema.Field {
	return schema.Field{
		Key: "archive", Kind: schema.Object, Required: true,
		Doc: "Where the logs are kept: a bucket with a key of its own, in the backup region of the log-archive account.",
		Example: strings.Join([]string{
			`account: "222233334444"`,
			"role: LogArchiveDeployer",
			"externalId: log-archive-beijing",
			"bucket: example-log-archive-222233334444-ningxia",
			"retentionDays: 1827",
			"transitions:",
			"  - {days: 30, storageClass: STANDARD_IA}",
			"  - {days: 90, storageClass: GLACIER}",
			"objectLock: {mode: GOVERNANCE, days: 365}",
		}, "\n"),
		Fields: append(assumedFields("The log-archive account. It must not be the source account: its administrators are those who must not be able to change the logs.",
			"an account id of 12 digits, in quotes", "archive"), []schema.Field{
			{Key: "bucket", Kind: schema.String, Required: true,
				Doc:     "The name of the archive bucket. Names are shared by all accounts of a partition, so put the account id into it.",
				Accepts: "3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last"},
			{Key: "retentionDays", Kind: schema.Integer, Default: 1827, Range: schema.Between(minRetentionDays, maxDays),
				Doc: "After how many days logs expire. Auditors ask for six months at least."},
			transitionsField("When objects move to a cheaper storage class."),
			retentionClassesField(),
			{Key: "organizationId", Kind: schema.String, DefaultText: "every account is named", Pattern: organizationForm,
				Doc:     "The organisation that all source accounts are in. With it the archive's policies let the pipelines' roles of that organisation in, instead of naming each account, so that they don't grow with the accounts; services that deliver for an account are still given its number. Not in China, where AWS documents no such condition.",
				Accepts: "the id of an organisation, such as o-exampleorgid"},
			{Key: "objectLock", Kind: schema.Object,
				Doc:     "Object Lock for every object. It can be switched on only when the bucket is created. Without it, `logarchive verify` and the preflight report the rule lifecycle-retention: nothing then keeps a log but the bucket's policy.",
				Accepts: "an object with mode and days",
				Fields: []schema.Field{
					{Key: "mode", Kind: schema.String, Required: true, Values: []string{"GOVERNANCE", "COMPLIANCE"},
						Doc: "GOVERNANCE can be lifted with a permission of its own; COMPLIANCE by nobody."},
					{Key: "days", Kind: schema.Integer, Required: true, Range: schema.Between(1, maxDays),
						Doc: "How long an object is locked; not longer than retentionDays."},
				}},
			{Key: "breakGlassRole", Kind: schema.String, DefaultText: "nobody",
				Doc:     "The role in the archive account that may delete objects, and lift a lock in GOVERNANCE mode. It needn't exist: everybody else is denied it.",
				Accepts: "the name of a role other than archive.role, with its path if it has one, or the role's ARN"},
			{Key: "maintenance", Kind: schema.Boolean, Default: false,
				Doc: "Lets archive.role change what is settled when the archive is made: lifecycle, Object Lock, versions, encryption, public access. Deploy it before such a change, with a waiver of the rule bucket-settled, and take both back after it."},
			replicaField(),
		}...),
	}
}

// assumedFields describes an account and how its provider gets into it.
func assumedFields(account, accepts, whose string) []schema.Field {
	return []schema.Field{
		{Key: "account", Kind: schema.String, Required: true, Pattern: accountForm, Doc: account, Accepts: accepts},
		{Key: "role", Kind: schema.String, Required: true,
			Doc:     "The role in the " + whose + " account that the account's provider assumes.",
			Accepts: "the name of a role, with its path if it has one, or the role's ARN"},
		{Key: "externalId", Kind: schema.String, Required: true, Pattern: externalForm, Secret: true,
			Doc:     "The external id that the role's trust policy asks for.",
			Accepts: "2 to 1224 letters, digits and + = , . @ : / _ -"},
	}
}

// storageClasses are the classes that an archive may use: those of S3's lifecycle but ONEZONE_IA, which keeps objects in
// one availability zone only.
func storageClasses() []string {
	var names []string
	for _, rule := range partition.StorageRules() {
		if rule.Class != partition.OneZoneIA {
			names = append(names, string(rule.Class))
		}
	}
	return names
}

func pipelineField() schema.Field {
	return schema.Field{
		Key: "pipeline", Kind: schema.Object,
		Doc:     "How Firehose writes: a stream each for log groups, flow logs and databases, made only where it is used.",
		Example: "bufferMiB: 64\nbufferSeconds: 300",
		Fields: []schema.Field{
			{Key: "bufferMiB", Kind: schema.Integer, Default: 64, Range: schema.Between(1, 128),
				Doc: "An object is written when this much has arrived (MiB)."},
			{Key: "bufferSeconds", Kind: schema.Integer, Default: 300, Range: schema.Between(60, 900),
				Doc: "An object is written when this time has passed, if it isn't full before."},
			{Key: "errorLogRetentionDays", Kind: schema.Integer, Default: 30, Accepts: retentionWords,
				Doc: "How long Firehose's own error messages are kept in CloudWatch Logs."},
			{Key: "timePrefix", Kind: schema.String, Default: DefaultTimePrefix,
				Doc:     "How object keys say the time (UTC), after class, account and region.",
				Accepts: "a Firehose prefix that ends with a slash, with expressions of the namespaces timestamp and firehose:random-string"},
			{Key: "keepStreams", Kind: schema.Boolean, Default: false,
				Doc: "Streams that are replaced, or leave the stack, stay at AWS and deliver what they have buffered; delete them by hand a quarter of an hour later. Deploy it before what replaces them."},
			transformField(),
		},
	}
}

func flowLogsField() schema.Field {
	return schema.Field{
		Key: "flowLogs", Kind: schema.List,
		Doc: "VPC, subnet, network interface and transit gateway flow logs. Each resource may be named once.",
		Example: strings.Join([]string{
			"- {name: main, vpcId: vpc-0a1b2c3d4e5f60718, format: parquet, hivePartitions: true}",
			"- {name: edge, transitGatewayId: tgw-0a1b2c3d4e5f60718}",
			"- {name: office, subnetId: subnet-0a1b2c3d4e5f60718, method: firehose, trafficType: REJECT}",
		}, "\n"),
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "name", Kind: schema.String, Required: true, Pattern: nameForm,
				Doc:     "The flow log's name in this stack. Changing it replaces the flow log.",
				Accepts: "lower-case letters, digits and single hyphens; each name once"},
			{Key: "vpcId", Kind: schema.String, Pattern: vpcForm, DefaultText: "exactly one of the four ids is given",
				Doc: "The VPC to record.", Accepts: "an id such as vpc-0a1b2c3d4e5f60718"},
			{Key: "subnetId", Kind: schema.String, Pattern: subnetForm, DefaultText: "see vpcId",
				Doc: "The subnet to record.", Accepts: "an id such as subnet-0a1b2c3d4e5f60718"},
			{Key: "eniId", Kind: schema.String, Pattern: eniForm, DefaultText: "see vpcId",
				Doc: "The network interface to record.", Accepts: "an id such as eni-0a1b2c3d4e5f60718"},
			{Key: "transitGatewayId", Kind: schema.String, Pattern: gatewayForm, DefaultText: "see vpcId",
				Doc: "The transit gateway to record.", Accepts: "an id such as tgw-0a1b2c3d4e5f60718"},
			{Key: "trafficType", Kind: schema.String, Default: "ALL", Values: []string{"ALL", "ACCEPT", "REJECT"},
				Doc: "Which traffic is recorded. Transit gateways record all of it and have no such choice."},
			{Key: "method", Kind: schema.String, Values: []string{MethodS3, MethodLanding, MethodFirehose},
				DefaultText: "s3 where flow logs to a bucket in another region are known to work, otherwise landing",
				Doc:         "s3: the flow log service writes to the archive bucket itself. AWS documents neither that it may be in another region nor that it may not. landing: it writes to the landing bucket of its own region, which is replicated to the archive. firehose: through the stream of the flow logs."},
			{Key: "via", Kind: schema.String, Default: ViaLogGroup, Values: []string{ViaLogGroup, ViaDirect},
				Doc: "With method firehose: through a log group and its subscription, or to the stream directly, which isn't known to work in China."},
			{Key: "format", Kind: schema.String, Default: "text", Values: []string{"text", "parquet"},
				Doc: "With method s3 or landing: the format of the objects."},
			{Key: "hivePartitions", Kind: schema.Boolean, Default: false,
				Doc: "With method s3 or landing: keys with name=value parts, which Athena and Hive understand."},
			{Key: "hourlyPartitions", Kind: schema.Boolean, Default: false,
				Doc: "With method s3 or landing: a part for the hour in keys, besides the one for the day."},
			{Key: "logFormat", Kind: schema.String, DefaultText: "AWS's default format (version 2)",
				Doc:     "The fields of a record.",
				Accepts: "fields such as ${srcaddr}, each once, with spaces between"},
			{Key: "aggregationSeconds", Kind: schema.Integer, DefaultText: "600; 60 for transit gateways",
				Doc:     "The longest time that a record sums up.",
				Accepts: "60 or 600; only 60 for transit gateways"},
			{Key: "retentionDays", Kind: schema.Integer, Default: 7, Accepts: retentionWords,
				Doc: "With via log-group: how long the log group keeps what the archive has as well."},
		}},
	}
}

func logGroupsField() schema.Field {
	return schema.Field{
		Key: "logGroups", Kind: schema.List,
		Doc: "CloudWatch log groups whose events are archived: of instances, functions, containers or anything else. Each group costs one subscription filter; AWS allows two a group.",
		Example: strings.Join([]string{
			"- {name: /aws/lambda/orders-api}",
			"- {name: /app/payments, create: true, retentionDays: 30}",
		}, "\n"),
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "name", Kind: schema.String, Required: true, Pattern: groupForm,
				Doc:     "The log group.",
				Accepts: "up to 512 letters, digits and _ / . # -; each group once, and no group that the stack makes for itself"},
			{Key: "create", Kind: schema.Boolean, Default: false,
				Doc: "Whether the stack creates the group (and keeps it when the stack is destroyed), or finds it there."},
			{Key: "retentionDays", Kind: schema.Integer, DefaultText: "30 with create; otherwise not touched", Accepts: retentionWords,
				Doc: "How long the group keeps its events. Only with create."},
			{Key: "filterPattern", Kind: schema.String, Default: "",
				Doc:     "Which events are archived; the empty pattern means all of them.",
				Accepts: "a CloudWatch Logs filter pattern of up to 1024 characters"},
		}},
	}
}

func databasesField() schema.Field {
	return schema.Field{
		Key: "databases", Kind: schema.List,
		Doc: "RDS and Aurora databases whose logs are archived. Each log must be exported to CloudWatch Logs, which enableExports switches on in databases that this stack doesn't own.",
		Example: strings.Join([]string{
			"- {identifier: shop, engine: mysql, logTypes: [error, slowquery]}",
			"- {identifier: ledger, engine: aurora-postgresql, logTypes: [postgresql]}",
		}, "\n"),
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "identifier", Kind: schema.String, Required: true, Pattern: databaseForm,
				Doc:     "The identifier of the instance or cluster.",
				Accepts: "up to 63 lower-case letters, digits and single hyphens, a letter first; each database once"},
			{Key: "engine", Kind: schema.String, Required: true, Values: partition.DatabaseEngines(),
				Doc: "The engine, as RDS calls it."},
			{Key: "cluster", Kind: schema.Boolean, DefaultText: "true for Aurora, otherwise false",
				Doc: "Whether the identifier is that of a cluster: always so for Aurora, otherwise a Multi-AZ DB cluster."},
			{Key: "logTypes", Kind: schema.List, Required: true,
				Doc:     "Which logs are archived.",
				Accepts: "a list of log types that the engine has",
				Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "a log type that the engine has"}},
			{Key: "createLogGroups", Kind: schema.Boolean, Default: true,
				Doc: "Whether the stack creates the log groups, before RDS does. Say false for a database that exports its logs already."},
			{Key: "retentionDays", Kind: schema.Integer, DefaultText: "30 with createLogGroups; otherwise not touched", Accepts: retentionWords,
				Doc: "How long the log groups keep their events. Only with createLogGroups."},
			enableExportsField(),
			backupReplicationField(),
		}},
	}
}

func backupField() schema.Field {
	lifecycle := func(of string) []schema.Field {
		return []schema.Field{
			{Key: "coldStorageAfterDays", Kind: schema.Integer, Range: schema.Between(1, maxDays), DefaultText: "never",
				Doc: "When " + of + " moves to cold storage, for those resources that have it."},
			{Key: "deleteAfterDays", Kind: schema.Integer, Required: true, Range: schema.Between(1, maxDays),
				Doc: "When " + of + " is deleted: at least 90 days after it has moved to cold storage."},
		}
	}
	rule := append([]schema.Field{
		{Key: "name", Kind: schema.String, Required: true, Pattern: ruleForm,
			Doc: "The rule's name.", Accepts: "up to 50 letters, digits and . _ -; each name once"},
		{Key: "schedule", Kind: schema.String, Required: true,
			Doc:     "When backups start (UTC).",
			Accepts: "cron(minutes hours day-of-month month day-of-week year), one of the two days being ?; at most once an hour"},
		{Key: "startWindowMinutes", Kind: schema.Integer, Default: 60, Range: schema.AtLeast(minWindowMinutes),
			Doc: "How long a job may wait before it starts."},
		{Key: "completionWindowMinutes", Kind: schema.Integer, Default: 1440, Range: schema.AtLeast(2 * minWindowMinutes),
			Doc: "How long a job may take; at least 60 minutes more than startWindowMinutes."},
	}, lifecycle("the backup")...)
	rule = append(rule, schema.Field{
		Key: "copy", Kind: schema.Object, Required: true, Accepts: "an object with deleteAfterDays and perhaps coldStorageAfterDays",
		Doc: "How long the copy in the backup region is kept.", Fields: lifecycle("the copy"),
	})
	return schema.Field{
		Key: "backup", Kind: schema.Object,
		Doc: "Backups by AWS Backup: made in a vault of the home region and copied to one of the backup region, in the same account (in China, AWS Backup copies to no other account).",
		Example: strings.Join([]string{
			"rules:",
			"  - name: daily",
			"    schedule: cron(0 18 * * ? *)",
			"    deleteAfterDays: 35",
			"    copy: {deleteAfterDays: 180}",
			"selection:",
			"  tags: [{key: backup, value: daily}]",
		}, "\n"),
		Fields: []schema.Field{
			{Key: "vault", Kind: schema.String, Pattern: vaultForm, DefaultText: "the name prefix",
				Doc:     "The name of both vaults.",
				Accepts: "2 to 50 letters, digits, hyphens and underscores"},
			{Key: "rules", Kind: schema.List, Doc: "When backups are made and how long they are kept.",
				Items: &schema.Field{Kind: schema.Object, Required: true, Fields: rule}},
			{Key: "selection", Kind: schema.Object, Doc: "What is backed up: everything that has one of the tags, and the resources named.",
				Accepts: "an object with tags or arns or both",
				Fields: []schema.Field{
					{Key: "tags", Kind: schema.List, Doc: "Tags of the resources to back up.",
						Accepts: "a list of objects with key and value",
						Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
							{Key: "key", Kind: schema.String, Required: true, Doc: "The tag's key.", Accepts: "up to 128 characters"},
							{Key: "value", Kind: schema.String, Required: true, Doc: "The tag's value.", Accepts: "up to 256 characters"},
						}}},
					{Key: "arns", Kind: schema.List, Doc: "ARNs of resources to back up; a star in the resource part stands for any.",
						Accepts: "a list of ARNs of the home region and the source account",
						Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "an ARN of the home region and the source account"}},
				}},
		},
	}
}
