package environ

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	var n int
	var on bool
	var list []string
	settings := []Setting{
		{Name: "N", Accepts: "1 to 9", Read: Whole(1, 9, &n)},
		{Name: "ON", Accepts: "true or false", Read: Switch(&on)},
		{Name: "LIST", Accepts: "short words", Required: true, Read: List(&list, func(s string) bool { return s != "" && len(s) < 4 })},
	}
	err := Read("test", "P_", []string{"P_N=10", "P_ON=False", "P_OFF=1", "OTHER=x", "P_LIST="}, settings, func() []string { return []string{"never"} })
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	want := []string{
		"P_LIST: missing; accepted: short words",
		`P_N: "10" is not accepted; accepted: 1 to 9`,
		"P_OFF: unknown; known are P_N, P_ON, P_LIST",
		`P_ON: "False" is not accepted; accepted: true or false`,
	}
	if diff := cmp.Diff(want, e.Problems); diff != "" {
		t.Error(diff)
	}
	if err := Read("test", "P_", []string{"P_N=9", "P_ON=true", "P_LIST=a, b"}, settings, nil); err != nil || n != 9 || !on || !slices.Equal(list, []string{"a", "b"}) {
		t.Errorf("%v %v %v %v", err, n, on, list)
	}
	if err := Read("test", "P_", []string{"P_LIST=a,a"}, settings, nil); err == nil {
		t.Error("a value twice was accepted")
	}
	if err := Read("test", "P_", []string{"P_LIST=a"}, settings, func() []string { return []string{"together"} }); err == nil {
		t.Error("the check of all values was not asked")
	}
	for _, v := range []string{"01", "+1", "1 ", "", "0"} {
		if Whole(1, 9, &n)(v) {
			t.Errorf("%q was accepted", v)
		}
	}
}
