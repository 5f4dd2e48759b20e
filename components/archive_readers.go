package components

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Reader is who may read logs in a [LogArchiveBucket], and which: a team, or a program such as a SIEM.
//
// The grant is the archive's half only: the role's own policies must allow the same, see [Reader.Policy].
type Reader struct {
	// Name says who it is, such as security or splunk: up to 32 letters, digits and hyphens.
	Name string
	// RoleArns are the roles that read, of any account of the partition; at least one. They need not exist yet.
	RoleArns []string
	// Prefixes are what the keys begin with that it may read, each ending with "/"; none means every key.
	Prefixes []string
	// List says that it may list the keys below its prefixes, as people and Athena do. A SIEM is told the keys.
	List bool
}

var readerName = nameRule{regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9]){0,31}$`), "want 1 to 32 letters, digits and single hyphens"}

func (p *problems) readers(field string, readers []Reader, bucket partition.Place) {
	for i, r := range readers {
		at := at(field, i, "")
		p.name(at+".Name", r.Name, readerName)
		if slices.ContainsFunc(readers[:i], func(other Reader) bool { return strings.EqualFold(other.Name, r.Name) }) {
			p.add(at+".Name", r.Name, "is there twice")
		}
		p.readingRoles(at+".RoleArns", r.RoleArns, bucket)
		for j, prefix := range r.Prefixes {
			p.keyPrefix(at+".Prefixes"+index(j), prefix)
		}
	}
}

// readingRoles checks roles that may be of any account of the partition.
func (p *problems) readingRoles(field string, arns []string, place partition.Place) {
	if len(arns) == 0 {
		p.add(field, "", "want at least one role")
	}
	for i, text := range arns {
		arn, err := partition.ParseARN(text)
		if err != nil {
			p.refuse(field+index(i), text, err)
			continue
		}
		p.role(field+index(i), text, partition.Place{Account: arn.Account, Region: place.Region})
	}
}

// foreignReaders are the readers with those of their roles that are of other accounts. A role of the bucket's own account needs no
// grant of the bucket's or queue's: its own policies allow it. The key is what keeps everybody else of that account out.
func foreignReaders(owner partition.Account, readers []Reader) []Reader {
	var out []Reader
	for _, r := range readers {
		if r.RoleArns = foreignRoles(owner, r.RoleArns); len(r.RoleArns) > 0 {
			out = append(out, r)
		}
	}
	return out
}

func foreignRoles(owner partition.Account, arns []string) []string {
	return slices.DeleteFunc(slices.Clone(arns), func(text string) bool {
		arn, err := partition.ParseARN(text)
		return err == nil && arn.Account == owner
	})
}

// readerStatements are the bucket's grants to readers.
func readerStatements(p partition.Partition, bucketName string, readers []Reader, given map[string]int) []policy.Statement {
	var out []policy.Statement
	bucket := partition.BucketARN(p, bucketName).String()
	for _, r := range byName(readers) {
		allow := func(what string, actions, resources []string, c policy.Conditions) {
			out = append(out, policy.Statement{
				Sid: sid(given, what, r.Name), Effect: policy.Allow, Principal: policy.AWSPrincipals(accountsOf(r.RoleArns)...),
				Action: actions, Resource: resources, Condition: c.With("ArnLike", "aws:PrincipalArn", sorted(r.RoleArns)...),
			})
		}
		prefixes := r.prefixes()
		var objects []string
		for _, prefix := range prefixes {
			objects = append(objects, partition.ObjectARN(p, bucketName, prefix+"*").String())
		}
		allow("Read", []string{"s3:GetObject", "s3:GetObjectVersion"}, objects, policy.Conditions{})
		if r.List {
			allow("Locate", []string{"s3:GetBucketLocation"}, []string{bucket}, policy.Conditions{})
			var c policy.Conditions
			if len(r.Prefixes) > 0 {
				var below []string
				for _, prefix := range prefixes {
					below = append(below, prefix+"*")
				}
				c = c.With("StringLike", "s3:prefix", below...)
			}
			allow("List", []string{"s3:ListBucket"}, []string{bucket}, c)
		}
	}
	return out
}

// readerDecryption is the key's grant to all readers, nil without any. A key's policy can't tell prefixes apart: with a bucket
// key, S3's encryption context is the bucket. What each reads is for the bucket's policy, which S3 asks first.
func readerDecryption(args *LogArchiveBucketArgs, viaS3 string) *policy.Statement {
	var roles []string
	for _, r := range args.Readers {
		roles = append(roles, r.RoleArns...)
	}
	if len(roles) == 0 {
		return nil
	}
	return &policy.Statement{
		Sid: "DecryptForReaders", Effect: policy.Allow, Principal: policy.AWSPrincipals(accountsOf(roles)...),
		Action: []string{"kms:Decrypt"}, Resource: []string{"*"},
		Condition: throughS3(viaS3, partition.BucketARN(args.Place.Partition(), args.BucketName).String()).
			With("ArnLike", "aws:PrincipalArn", sorted(roles)...),
	}
}

// Policy is what the reader's roles must be allowed by their own policies, for a bucket and its key.
func (r Reader) Policy(place partition.Place, bucketName, keyArn string) (policy.Document, error) {
	s3, err := place.ViaService(partition.S3)
	if err != nil {
		return policy.Document{}, err
	}
	p := place.Partition()
	var doc policy.Document
	for _, s := range readerStatements(p, bucketName, []Reader{r}, map[string]int{}) {
		s.Principal = nil
		delete(s.Condition, "ArnLike")
		if len(s.Condition) == 0 {
			s.Condition = nil
		}
		doc.Statements = append(doc.Statements, s)
	}
	doc.Statements = append(doc.Statements, policy.Statement{
		Sid: "Decrypt", Effect: policy.Allow, Action: []string{"kms:Decrypt"}, Resource: []string{keyArn},
		Condition: throughS3(s3, partition.BucketARN(p, bucketName).String()),
	})
	return doc, nil
}

// prefixes are those of the reader, sorted; one empty one, which every key begins with, for none.
func (r Reader) prefixes() []string {
	if len(r.Prefixes) == 0 {
		return []string{""}
	}
	return sorted(r.Prefixes)
}

func byName(readers []Reader) []Reader {
	readers = slices.Clone(readers)
	slices.SortFunc(readers, func(a, b Reader) int { return strings.Compare(a.Name, b.Name) })
	return readers
}

// accountsOf are the accounts of roles, as principals.
func accountsOf(roles []string) []string {
	var roots []string
	for _, text := range roles {
		if arn, err := partition.ParseARN(text); err == nil {
			roots = append(roots, partition.ARN{Partition: arn.Partition, Service: partition.IAM, Account: arn.Account, Resource: "root"}.String())
		}
	}
	return sorted(roots)
}
