package partition

import (
	"fmt"
	"slices"
	"strings"
)

// StorageClass is an S3 storage class as the lifecycle API writes it.
type StorageClass string

// The storage classes that a lifecycle rule can move objects to.
const (
	StandardIA         StorageClass = "STANDARD_IA"
	OneZoneIA          StorageClass = "ONEZONE_IA"
	IntelligentTiering StorageClass = "INTELLIGENT_TIERING"
	GlacierInstant     StorageClass = "GLACIER_IR"
	Glacier            StorageClass = "GLACIER"
	DeepArchive        StorageClass = "DEEP_ARCHIVE"
)

// StorageRule is what S3 demands of a transition to a class.
type StorageRule struct {
	Class StorageClass
	// Order grows along the way that objects may move: a transition to a class of the same or a lower order is refused.
	Order int
	// MinAgeDays is the least age at which S3 moves an object there.
	MinAgeDays int
	// MinStorageDays is how long an object is charged at least once it is there.
	MinStorageDays int
	// AfterIADays is how long an object must stay in STANDARD_IA or ONEZONE_IA before one rule moves it on here.
	AfterIADays int
	// OverheadBytes is the metadata that is charged for every object.
	OverheadBytes int
	Source        string
}

// MinTransitionBytes is the size below which S3 moves an object to no class, unless the rule filters by size or the
// configuration says otherwise (DOC26 lifecycle-transition, H).
const MinTransitionBytes = 128 * 1024

const storageSource = "DOC26/DOC23 lifecycle-transition (H)"

var storageTable = []StorageRule{
	{StandardIA, 1, 30, 30, 0, 0, storageSource},
	{IntelligentTiering, 2, 0, 0, 30, 0, storageSource},
	{OneZoneIA, 3, 30, 30, 30, 0, storageSource},
	{GlacierInstant, 4, 0, 90, 30, 0, storageSource},
	{Glacier, 5, 0, 90, 30, 40 * 1024, storageSource},
	{DeepArchive, 6, 0, 180, 30, 40 * 1024, storageSource},
}

// StorageRules returns the rule of every class, in the order in which objects may move.
func StorageRules() []StorageRule { return slices.Clone(storageTable) }

// ParseStorageClass returns the rule of the class that the lifecycle API calls s; the error lists the classes.
func ParseStorageClass(s string) (StorageRule, error) {
	var names []string
	for _, r := range storageTable {
		if string(r.Class) == s {
			return r, nil
		}
		names = append(names, string(r.Class))
	}
	return StorageRule{}, fmt.Errorf("%q is not a storage class that a lifecycle rule can move objects to: want one of %s", s, strings.Join(names, ", "))
}

// Feature returns what is known about the class in the partition.
func (c StorageClass) Feature(p Partition) Fact {
	switch c {
	case GlacierInstant:
		return p.Feature(GlacierIR)
	case Glacier, DeepArchive:
		return p.Feature(GlacierStorage)
	}
	if p.known() {
		return Fact{Yes, "S3 storage classes, BC (H in aws, M in aws-cn)", ""}
	}
	return Fact{Unknown, fmt.Sprintf("no row for partition %q", p), ""}
}
