package main

import "testing"

const root = "../.."

// TestNothingGrowsFasterThanLinearly: the second n of something costs what the first did, in resources and in bytes.
func TestNothingGrowsFasterThanLinearly(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"beijing", "global"} {
		for _, way := range ways {
			t.Run(stack+"/"+way.what, func(t *testing.T) {
				t.Parallel()
				var sizes [3]Size
				for i := range sizes {
					var err error
					if sizes[i], err = measure(root, stack, way.more, (i+1)*sample); err != nil {
						t.Fatal(err)
					}
				}
				first, second := step(sizes[0], sizes[1], sample), step(sizes[1], sizes[2], sample)
				if first[0] == 0 {
					t.Error("nothing was added")
				}
				for i, what := range []string{"resources", "bucket policy", "key policy", "destination policy", "trust policy"} {
					// A policy that isn't the largest of its sort at first costs nothing until it is.
					most := first[i] * 1.01
					if i == 0 {
						most += 1.0 / sample // ten log groups share an alarm: one alarm falls into this half or the other
					}
					if second[i] > most && !(i == 4 && first[i] < 3) {
						t.Errorf("%s: %.3f each, then %.3f", what, first[i], second[i])
					}
				}
			})
		}
	}
}

// TestPoliciesOf200Accounts holds the policies against AWS's limits, in both partitions and both ways.
func TestPoliciesOf200Accounts(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"beijing", "global"} {
		for _, way := range ways[:2] {
			t.Run(stack+"/"+way.what, func(t *testing.T) {
				t.Parallel()
				s, err := measure(root, stack, way.more, 200)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v", s)
				for _, p := range []struct {
					what       string
					size, most int
				}{{"bucket", s.Bucket, 20480}, {"key", s.Key, 32768}, {"destination", s.Destination, 5120}, {"trust", s.Trust, 2048}} {
					if p.size > p.most {
						t.Errorf("the %s policy has %d bytes, the limit is %d", p.what, p.size, p.most)
					}
				}
			})
		}
	}
}
