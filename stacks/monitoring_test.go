package stacks

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/components"
)

// monitoringSpec is the widest configuration's, so that every alarm is there.
func monitoringSpec(t *testing.T) *Spec {
	t.Helper()
	spec, err := ParseSpec("beijing", parse(t, whole).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// The person who is called finds the section that the alarm names, and in it what the alarm means and what to do.
func TestEveryAlarmHasARunbook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		for _, part := range strings.Split(section, "\n### ") {
			heading, body, _ := strings.Cut(part, "\n")
			sections[anchor(heading)] = body
		}
	}
	for _, stack := range append(exampleStacks, "whole") {
		spec := monitoringSpec(t)
		if stack != "whole" {
			_, spec = example(t, stack)
		}
		for _, path := range spec.alarmPaths() {
			for _, a := range path.alarms {
				name := a.Name
				if a.Runbook != "" {
					name = a.Runbook
				}
				if body := sections[name]; !strings.Contains(body, "\n1. ") {
					t.Errorf("alarm %s of path %s has no section %q with steps in docs/operations.md", a.Name, path.name, name)
				}
			}
		}
	}
	if sections["alarms"] == "" {
		t.Error("composite alarms point to a section Alarms, which docs/operations.md doesn't have")
	}
}

// anchor is a heading's, as forges make it.
func anchor(heading string) string {
	kept := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}

// What fails says nothing while nothing happens; that nothing happens is an alarm of its own.
func TestAlarmsAndMissingData(t *testing.T) {
	t.Parallel()
	for _, path := range monitoringSpec(t).alarmPaths() {
		for _, a := range path.alarms {
			want := components.MissingIsFine
			if strings.HasSuffix(a.Name, "silent") {
				want = components.MissingIsBad
			}
			if a.Missing != want {
				t.Errorf("%s of %s treats missing data as %s, want %s", a.Name, path.name, a.Missing, want)
			}
		}
	}
}

func TestMonitoringFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	d := parse(t, whole)
	for _, test := range []struct {
		name, path string
		value      any
		check      func(*Spec) bool
	}{
		{"off", "monitoring", map[string]any{"enabled": false}, func(s *Spec) bool { return s.Monitoring == nil }},
		{"never silent", "monitoring", map[string]any{"silentAfterHours": 0}, func(s *Spec) bool {
			for _, path := range s.alarmPaths() {
				for _, a := range path.alarms {
					if strings.HasSuffix(a.Name, "silent") {
						return false
					}
				}
			}
			return true
		}},
		{"late", "monitoring", map[string]any{"lateAfterMinutes": 30}, func(s *Spec) bool {
			for _, a := range s.pipelineAlarms(ClassLogs).alarms {
				if a.Name == "delivery-late" {
					return a.Threshold == float64(s.Pipeline.BufferSeconds+1800)
				}
			}
			return false
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec, err := ParseSpec("beijing", d.with(t, test.path, test.value).engine(t))
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(spec) {
				t.Errorf("%s = %v isn't followed", test.path, test.value)
			}
		})
	}
}

// Forwarding errors cost an alarm for ten log groups, not for one.
func TestAlarmsOfManyGroups(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("beijing", many(t, 100))
	if err != nil {
		t.Fatal(err)
	}
	alarms := spec.pipelineAlarms(ClassLogs).alarms
	groups, forwarding := len(spec.LogGroups), 0
	for _, a := range alarms {
		if a.Runbook == "forwarding-failed" {
			forwarding++
		}
	}
	if want := (groups + 9) / 10; forwarding != want {
		t.Errorf("%d alarms for %d log groups, want %d", forwarding, groups, want)
	}
}
