package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// archive reads the archive bucket.
func (p *parser) archive(v schema.Value) {
	s := &p.spec.ArchiveBucket
	if bucket := v.Get("bucket"); bucket.OK() {
		s.Bucket = bucket.Text()
		if err := checkBucketName(s.Bucket); err != nil {
			p.add(bucket, "%v", err)
		}
	}
	retention := v.Get("retentionDays")
	s.RetentionDays = retention.Number()
	s.Transitions = p.transitions(v.Get("transitions"), retention)
	p.objectLock(v.Get("objectLock"), retention)
	p.breakGlass(v.Get("breakGlassRole"))
	p.retentionClasses(v.Get("classes"), v.Get("objectLock").Get("days"))
	s.Maintenance = v.Get("maintenance").Flag()
	p.organization(v.Get("organizationId"))
}

// transitions reads the lifecycle's steps and checks what S3 refuses when the configuration is put: steps out of order,
// too early, or after the expiry.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
func (p *parser) transitions(v, retention schema.Value) []TransitionSpec {
	var list []TransitionSpec
	var before *step
	for _, item := range v.Items() {
		s, ok := p.transition(item)
		if !ok {
			continue
		}
		list = append(list, TransitionSpec{s.days.Number(), s.rule.Class})
		if before != nil {
			p.order(*before, s)
		}
		if retention.Valid && s.days.Number() >= retention.Number() {
			p.add(s.days, "%d is not before the objects expire; want less than retentionDays, which is %d", s.days.Number(), retention.Number())
		}
		before = &s
	}
	return list
}

// step is one transition.
type step struct {
	days, class schema.Value
	rule        partition.StorageRule
}

func (p *parser) transition(item schema.Value) (step, bool) {
	s := step{days: item.Get("days"), class: item.Get("storageClass")}
	if !s.class.OK() {
		return s, false
	}
	name := s.class.Text()
	rule, err := partition.ParseStorageClass(name)
	accepted := strings.Join(p.classesHere(), ", ")
	switch {
	case err != nil:
		p.add(s.class, "%s is not one of %s%s", schema.Quote(name), accepted, schema.DidYouMean(name, p.classesHere()))
	case rule.Class == partition.OneZoneIA:
		p.add(s.class, "%s keeps the only copy in one availability zone, which is no archive; want one of %s", schema.Quote(name), accepted)
	case !slices.Contains(p.classesHere(), name):
		fact := rule.Class.Feature(p.spec.Archive.Partition())
		p.add(s.class, "%s: whether %s has it is %s (%s); want one of %s", schema.Quote(name), p.spec.Archive.Region, fact.Support, fact.Source, accepted)
	default:
		s.rule = rule
		if s.days.OK() && s.days.Number() < rule.MinAgeDays {
			p.add(s.days, "%d is too early for %s; S3 wants %d or more", s.days.Number(), name, rule.MinAgeDays)
		}
		return s, s.days.OK()
	}
	return s, false
}

// classesHere returns the classes that the archive's partition is known to have.
func (p *parser) classesHere() []string {
	part := p.spec.Archive.Partition()
	var names []string
	for _, name := range storageClasses() {
		if part == "" || partition.StorageClass(name).Feature(part).Support == partition.Yes {
			names = append(names, name)
		}
	}
	return names
}

// order checks a step against the one before it.
func (p *parser) order(before, s step) {
	days, earlier := s.days.Number(), before.days.Number()
	switch {
	case s.rule.Order <= before.rule.Order:
		p.add(s.class, "%s can't follow %s; objects move only in the order %s", schema.Quote(string(s.rule.Class)), before.rule.Class, strings.Join(storageClasses(), ", "))
	case days <= earlier:
		p.add(s.days, "%d is not after the step before, which is %d; want more", days, earlier)
	case before.rule.Class == partition.StandardIA && days < earlier+s.rule.AfterIADays:
		p.add(s.days, "%d is too early; objects stay in %s for %d days, so S3 wants %d or more", days, before.rule.Class, s.rule.AfterIADays, earlier+s.rule.AfterIADays)
	}
}

func (p *parser) objectLock(v, retention schema.Value) {
	if !v.OK() {
		return
	}
	days := v.Get("days")
	p.spec.ArchiveBucket.ObjectLock = &ObjectLockSpec{v.Get("mode").Text(), days.Number()}
	if days.OK() && retention.Valid && days.Number() > retention.Number() {
		p.add(days, "%d is longer than objects are kept; want at most retentionDays, which is %d", days.Number(), retention.Number())
	}
	if part := p.spec.Archive.Partition(); part != "" {
		if err := part.Require(partition.ObjectLock); err != nil {
			p.add(v, "%v", err)
		}
	}
}
