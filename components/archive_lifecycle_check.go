package components

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// lifecycle checks what S3 demands of transitions and expiry, and that nothing expires while it is locked.
func (p *problems) lifecycle(args *LogArchiveBucketArgs) {
	p.atLeast("RetentionDays", args.RetentionDays, 1)
	p.atLeast("NoncurrentDays", args.NoncurrentDays, 0)
	p.atLeast("TransitionMinimumBytes", args.TransitionMinimumBytes, 0)
	p.transitions("", args.RetentionDays, args.Transitions, args.Place)
	if lock := args.ObjectLock; lock != nil {
		p.oneOf("ObjectLock.Mode", lock.Mode, "GOVERNANCE", "COMPLIANCE")
		p.atLeast("ObjectLock.Days", lock.Days, 1)
		if lock.Days > args.RetentionDays {
			p.add("ObjectLock.Days", lock.Days, "want at most RetentionDays, %d: a locked object can't expire", args.RetentionDays)
		}
		p.refuse("ObjectLock", lock.Mode, args.Place.Region.Require(partition.ObjectLock))
	}
	p.classes(args)
}

// transitions checks the steps of the bucket, or of one of its classes: of is "" or the class with a dot behind it.
func (p *problems) transitions(of string, retention int, list []Transition, place partition.Place) {
	var before *Transition
	var ruleBefore partition.StorageRule
	for i, t := range list {
		days := at(of+"Transitions", i, ".Days")
		rule, err := partition.ParseStorageClass(t.StorageClass)
		if err != nil {
			p.refuse(at(of+"Transitions", i, ".StorageClass"), t.StorageClass, err)
			continue
		}
		if fact := rule.Class.Feature(place.Partition()); fact.Support != partition.Yes {
			p.add(at(of+"Transitions", i, ".StorageClass"), t.StorageClass, "in partition %s: %s (%s)", place.Partition(), fact.Support, fact.Source)
		}
		p.atLeast(days, t.Days, max(1, rule.MinAgeDays))
		if t.Days >= retention {
			p.add(days, t.Days, "want less than RetentionDays, %d", retention)
		}
		if before != nil {
			if rule.Order <= ruleBefore.Order {
				p.add(at(of+"Transitions", i, ".StorageClass"), t.StorageClass, "objects can't move there from %s", before.StorageClass)
			}
			least := before.Days + 1
			if ruleBefore.Class == partition.StandardIA || ruleBefore.Class == partition.OneZoneIA {
				least = before.Days + rule.AfterIADays
			}
			if t.Days < least {
				p.add(days, t.Days, "want at least %d, after %d days for %s", least, before.Days, before.StorageClass)
			}
		}
		before, ruleBefore = &list[i], rule
	}
}

var lifecycleClassName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// classes checks the classes, and that each delivery lies in exactly one folder: what no rule matches would be kept for ever.
func (p *problems) classes(args *LogArchiveBucketArgs) {
	if len(args.Classes) == 0 {
		if len(args.OtherFolders) > 0 {
			p.add("OtherFolders", strings.Join(args.OtherFolders, " "), "want none without Classes: one rule expires everything")
		}
		return
	}
	var folders []string
	take := func(field, folder string) {
		p.keyPrefix(field, folder)
		for _, other := range folders {
			if strings.HasPrefix(folder, other) || strings.HasPrefix(other, folder) {
				p.add(field, folder, "%q is given, too: of two rules that match a key, S3 takes the earlier expiry", other)
			}
		}
		folders = append(folders, folder)
	}
	names := map[string]bool{}
	for i, c := range args.Classes {
		if !lifecycleClassName.MatchString(c.Name) || names[c.Name] {
			p.add(at("Classes", i, ".Name"), c.Name, "want lower-case letters, digits and single hyphens, and no other class of the name")
		}
		names[c.Name] = true
		if len(c.Folders) == 0 {
			p.add(at("Classes", i, ".Folders"), "", "want the folders of the class")
		}
		for j, folder := range c.Folders {
			take(at(at("Classes", i, ".Folders"), j, ""), folder)
		}
		p.atLeast(at("Classes", i, ".RetentionDays"), c.RetentionDays, 1)
		if least := c.RetentionDays + LifecycleLateDays + 1; c.MaximumDays != 0 && c.MaximumDays < least {
			p.add(at("Classes", i, ".MaximumDays"), c.MaximumDays, "want at least %d: %d days to expire, one as a noncurrent version, %d by which S3 may be late", least, c.RetentionDays, LifecycleLateDays)
		}
		if lock := args.ObjectLock; lock != nil && lock.Days > c.RetentionDays {
			p.add(at("Classes", i, ".RetentionDays"), c.RetentionDays, "want at least ObjectLock.Days, %d: a locked object can't expire", lock.Days)
		}
		p.transitions(at("Classes", i, "."), c.RetentionDays, c.Transitions, args.Place)
	}
	for i, folder := range args.OtherFolders {
		take(at("OtherFolders", i, ""), folder)
	}
	for i, d := range args.Deliveries {
		for _, key := range d.keyPrefixes() {
			if !slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(key, folder) }) {
				p.add(at("Deliveries", i, ".Prefix"), key, "lies in no folder of Classes and OtherFolders, and would be kept for ever")
			}
		}
	}
}
