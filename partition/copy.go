package partition

import "fmt"

const (
	chinaCopySource = `CN-UG backup.md: "Cross Region Backups are only allowed between the Beijing Region and the Ningxia Region"; AWS Storage Blog for S3 (H)`
	copySource      = "DOC26 aws-backup, s3 replication: never across partitions (H)"
)

// CanCopy returns nil when data in region from can be copied to region to: by AWS Backup, S3 replication or RDS
// backup replication. Both must be different regions of one partition; in China that is Beijing and Ningxia, either
// way. The error says what is accepted.
func CanCopy(from, to Region) error {
	for _, r := range []Region{from, to} {
		if r.Partition() == "" {
			_, err := ParseRegion(string(r))
			return err
		}
	}
	accepted := joinRegions(BackupRegions(from))
	switch {
	case from == to:
		return fmt.Errorf("%s can't be the copy region of itself: want one of %s", from, accepted)
	case from.Partition() != to.Partition():
		return fmt.Errorf("%s (partition %s) can't copy to %s (partition %s): nothing is copied across partitions; want one of %s", from, from.Partition(), to, to.Partition(), accepted)
	}
	return nil
}

// BackupRegions returns the regions that may be the backup of home, in alphabetical order; none when the table
// doesn't have home.
func BackupRegions(home Region) []Region {
	var rs []Region
	for _, r := range home.Partition().Regions() {
		if r != home {
			rs = append(rs, r)
		}
	}
	return rs
}
