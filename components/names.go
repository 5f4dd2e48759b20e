package components

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// nameRule is what a service accepts as the name of a thing.
type nameRule struct {
	form *regexp.Regexp
	want string
}

// The rules are those of the services' API references (CreateRole, CreateDeliveryStream, CreateLogGroup,
// PutDestination, CreateBackupVault, CreateBackupPlan, CreateAlias, CreateDBInstance).
var (
	bucketName      = nameRule{regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`), "want 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit"}
	roleName        = nameRule{regexp.MustCompile(`^[\w+=,.@-]{1,64}$`), "want 1 to 64 letters, digits and _+=,.@-"}
	streamName      = nameRule{regexp.MustCompile(`^[\w.-]{1,64}$`), "want 1 to 64 letters, digits and _.-"}
	logGroupName    = nameRule{regexp.MustCompile(`^[\w./#-]{1,512}$`), "want 1 to 512 letters, digits and _./#-"}
	destinationName = nameRule{regexp.MustCompile(`^[^:*]{1,512}$`), "want 1 to 512 characters without : and *"}
	vaultName       = nameRule{regexp.MustCompile(`^[\w-]{2,50}$`), "want 2 to 50 letters, digits, hyphens and underscores"}
	planName        = nameRule{regexp.MustCompile(`^[\w.-]{1,50}$`), "want 1 to 50 letters, digits and _.-"}
	aliasName       = nameRule{regexp.MustCompile(`^[\w/-]{1,250}$`), "want 1 to 250 letters, digits and _/-, without \"alias/\" before them"}
	functionName    = nameRule{regexp.MustCompile(`^[\w-]{1,64}$`), "want 1 to 64 letters, digits, hyphens and underscores"}
	databaseName    = nameRule{regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,62}$`), "want 1 to 63 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen"}
)

func (p *problems) name(field, value string, rule nameRule) {
	if !rule.form.MatchString(value) {
		p.add(field, value, "%s", rule.want)
	}
}

// alias checks a key's alias; names beginning with "aws/" belong to AWS.
func (p *problems) alias(field, value string) {
	if !aliasName.form.MatchString(value) || strings.HasPrefix(value, "alias/") || strings.HasPrefix(value, "aws/") {
		p.add(field, value, "%s", aliasName.want)
	}
}

func (p *problems) bucket(field, value string) {
	p.name(field, value, bucketName)
	// S3 keeps these for itself: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	for _, kept := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(value, kept) {
			p.add(field, value, "S3 refuses bucket names that begin with %s", kept)
		}
	}
	for _, kept := range []string{"-s3alias", "--ol-s3", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(value, kept) {
			p.add(field, value, "S3 refuses bucket names that end with %s", kept)
		}
	}
}

func (p *problems) place(field string, place partition.Place) {
	_, err := partition.ParseAccount(string(place.Account))
	p.refuse(field+".Account", place.Account, err)
	_, err = partition.ParseRegion(string(place.Region))
	p.refuse(field+".Region", place.Region, err)
}

// role checks the ARN of a role of the place's account.
func (p *problems) role(field, value string, place partition.Place) {
	arn, err := partition.ParseARN(value)
	switch {
	case err != nil:
		p.refuse(field, value, err)
	case arn.Service != partition.IAM || !strings.HasPrefix(arn.Resource, "role/"):
		p.add(field, value, "is not the ARN of an IAM role")
	case arn.Partition != place.Partition() || arn.Account != place.Account:
		p.add(field, value, "is not a role of account %s in partition %s", place.Account, place.Partition())
	}
}

// within checks a number against two limits of package partition.
func (p *problems) within(field string, value int, least, most partition.Limit) {
	low, err := partition.Everywhere(least)
	p.refuse(field, value, err)
	high, err := partition.Everywhere(most)
	p.refuse(field, value, err)
	if int64(value) < low || int64(value) > high {
		p.add(field, value, "want %d to %d", low, high)
	}
}

func at(field string, index int, rest string) string {
	return fmt.Sprintf("%s[%d]%s", field, index, rest)
}

func index(i int) string { return fmt.Sprintf("[%d]", i) }
