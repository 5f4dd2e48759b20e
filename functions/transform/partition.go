package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// splits tells whether a record's events may have to go to several partitions.
func (c *Config) splits() bool { return len(c.Partition) > 0 }

// bucket is the span of time that shares partition keys with the event at the given milliseconds: its first
// millisecond, and how many follow. The finest of the configured keys decides.
func (c *Config) bucket(at int64) (low int64, width uint64) {
	fixed := func(size int64) (int64, uint64) {
		low := at - at%size
		if low > at { // before 1970
			low -= size
		}
		return low, uint64(size - 1)
	}
	switch {
	case slices.Contains(c.Partition, "hour"):
		return fixed(time.Hour.Milliseconds())
	case slices.Contains(c.Partition, "day"):
		return fixed(24 * time.Hour.Milliseconds())
	case slices.Contains(c.Partition, "month"):
		t := time.UnixMilli(at).UTC()
		from := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		return from.UnixMilli(), uint64(from.AddDate(0, 1, 0).UnixMilli() - from.UnixMilli() - 1)
	case slices.Contains(c.Partition, "year"):
		t := time.UnixMilli(at).UTC()
		from := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		return from.UnixMilli(), uint64(from.AddDate(1, 0, 0).UnixMilli() - from.UnixMilli() - 1)
	}
	return math.MinInt64, math.MaxUint64
}

// metadata renders the partition keys of an event as the member of a result that Firehose's dynamic partitioning
// reads: `,"metadata":{"partitionKeys":{…}}`, or nothing when none are configured.
// https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-partitioning-keys.html
func (w *worker) metadata(owner, group []byte, at int64) []byte {
	c, region := &w.h.cfg, w.inv.region
	if !c.splits() {
		return nil
	}
	low, _ := c.bucket(at)
	if string(owner) == string(w.keyOwner) && string(group) == string(w.keyGroup) && low == w.keyLow && region == w.keyRegion {
		return w.keys
	}
	account, _ := unquote(owner)
	name, _ := unquote(group)
	if c.Region != "" {
		region = c.Region
	}
	t := time.UnixMilli(at).UTC()
	b := append(w.keys[:0], `,"metadata":{"partitionKeys":{`...)
	for i, key := range c.Partition {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, key...)
		b = append(b, `":"`...)
		switch key {
		case "account":
			b = append(b, keyValue(account)...)
		case "region":
			b = append(b, keyValue(region)...)
		case "logGroup":
			b = append(b, keyValue(name)...)
		case "databaseInstance":
			b = append(b, keyValue(databaseInstance(name))...)
		case "class":
			b = append(b, keyValue(c.class(name))...)
		case "year":
			b = append(b, digits(t.Year(), 4)...)
		case "month":
			b = append(b, digits(int(t.Month()), 2)...)
		case "day":
			b = append(b, digits(t.Day(), 2)...)
		case "hour":
			b = append(b, digits(t.Hour(), 2)...)
		}
		b = append(b, '"')
	}
	w.keys = append(b, "}}"...)
	w.keyOwner, w.keyGroup = append(w.keyOwner[:0], owner...), append(w.keyGroup[:0], group...)
	w.keyLow, w.keyRegion = low, region
	return w.keys
}

func digits(n, width int) string {
	s := strconv.Itoa(n)
	if n >= 0 && len(s) < width {
		s = strings.Repeat("0", width-len(s)) + s
	}
	return s
}

// class is the class of a log group: that of the longest configured prefix.
func (c *Config) class(group string) string {
	class, longest := c.Class, -1
	for prefix, name := range c.Classes {
		if len(prefix) > longest && strings.HasPrefix(group, prefix) {
			class, longest = name, len(prefix)
		}
	}
	return class
}

// databaseInstance is the identifier in the name of a database's log group, /aws/rds/instance/ID/TYPE or
// /aws/rds/cluster/ID/TYPE, and "none" for other groups. For a cluster it is the cluster's: the group is shared by
// its instances, and only the stream's name tells them apart.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
func databaseInstance(group string) string {
	for _, prefix := range []string{"/aws/rds/instance/", "/aws/rds/cluster/", "/aws/rds/proxy/", "/aws/docdb/", "/aws/neptune/"} {
		if rest, ok := strings.CutPrefix(group, prefix); ok {
			id, _, _ := strings.Cut(rest, "/")
			if id != "" {
				return id
			}
		}
	}
	return "none"
}

// maxKeyValue bounds a partition key's value, because an evaluated prefix is limited to 1,024 bytes altogether.
const maxKeyValue = 200

// keyValue makes a value fit for an S3 key as Hive does, %2F for a slash, so that different names stay different and
// query engines read the name back. A value is never empty, and a very long one ends in a hash of the whole.
func keyValue(s string) string {
	if s == "" {
		return "none"
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if c-'0' <= 9 || c|0x20-'a' <= 25 || c == '-' || c == '_' || c == '.' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&15])
		}
	}
	if b.Len() <= maxKeyValue {
		return b.String()
	}
	sum := sha256.Sum256([]byte(s))
	return b.String()[:maxKeyValue-33] + "~" + hex.EncodeToString(sum[:16])
}
