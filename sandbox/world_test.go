package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/logarchive/logarchive/partition"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

const (
	sourceAccount  = partition.Account("111122223333")
	archiveAccount = partition.Account("444455556666")
)

var (
	beijing = partition.Place{Account: sourceAccount, Region: "cn-north-1"}
	ningxia = partition.Place{Account: sourceAccount, Region: "cn-northwest-1"}
	archive = partition.Place{Account: archiveAccount, Region: "cn-northwest-1"}
)

func properties(pairs ...any) resource.PropertyMap {
	m := resource.PropertyMap{}
	for i := 0; i < len(pairs); i += 2 {
		m[resource.PropertyKey(pairs[i].(string))] = resource.NewPropertyValue(pairs[i+1])
	}
	return m
}

func openWorld(t testing.TB, dir string) *World {
	t.Helper()
	w, err := OpenWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestWorldFindsObjects(t *testing.T) {
	t.Parallel()
	w := openWorld(t, t.TempDir())
	bucketARN := partition.BucketARN(partition.China, "archive").String()
	groupARN := beijing.LogGroupARN("/app").String()
	if err := w.Put(
		Object{Type: bucketToken, ID: "archive", Place: archive, State: properties("arn", bucketARN)},
		Object{Type: roleToken, ID: "shipper", Place: beijing, State: properties("arn", beijing.RoleARN("shipper").String())},
		Object{Type: logGroupToken, ID: "/app", Place: beijing, URN: "urn:app", State: properties("arn", groupARN)},
		Object{Type: logStreamToken, ID: "errors", Place: beijing, State: properties("logGroupName", "/b", "name", "errors")},
		Object{Type: logStreamToken, ID: "errors", Place: beijing, State: properties("logGroupName", "/a", "name", "errors")},
	); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		token string
		place partition.Place
		id    string
		want  bool
	}{
		{bucketToken, archive, "archive", true},
		{bucketToken, beijing, "archive", true}, // bucket names are the partition's
		{bucketToken, partition.Place{Account: sourceAccount, Region: "us-east-1"}, "archive", false},
		{roleToken, ningxia, "shipper", true}, // roles are the account's
		{roleToken, archive, "shipper", false},
		{logGroupToken, beijing, "/app", true},
		{logGroupToken, ningxia, "/app", false},
		{logGroupToken, beijing, "/ap", false},
	} {
		if _, ok := w.Get(tc.token, tc.place, tc.id); ok != tc.want {
			t.Errorf("Get(%s, %s, %s) = %v, want %v", tc.token, tc.place, tc.id, ok, tc.want)
		}
	}
	for _, arn := range []string{bucketARN, groupARN, groupARN + ":*"} {
		if _, ok := w.ByARN(arn); !ok {
			t.Errorf("ByARN(%s) finds nothing", arn)
		}
	}
	if got := w.ByURN("urn:app"); len(got) != 1 || got[0].ID != "/app" {
		t.Errorf("ByURN: %v", got)
	}
	streams := w.List(logStreamToken)
	if len(streams) != 2 || streams[0].Text("logGroupName") != "/a" {
		t.Errorf("two streams of the same name in two groups: %v", streams)
	}
	if got := w.Find("", func(o Object) bool { return o.Place == archive }); len(got) != 1 {
		t.Errorf("Find: %v", got)
	}
	if got := len(w.List("")); got != 5 {
		t.Errorf("List: %d objects", got)
	}
}

func TestWorldKeepsPropertiesAndSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWorld(t, dir)
	o := Object{
		Type: "aws:ssm/parameter:Parameter", ID: "p", Place: beijing, URN: "urn:p", External: true, salt: "s",
		Created: time.Date(2026, 11, 21, 1, 2, 3, 4, time.UTC),
		Inputs:  properties("name", "p"),
		State: resource.PropertyMap{
			"value":  resource.MakeSecret(resource.NewStringProperty("hidden")),
			"list":   resource.NewPropertyValue([]any{1.5, true, "x", map[string]any{"k": nil}}),
			"nested": resource.NewPropertyValue(map[string]any{"a": map[string]any{"b": "c\n\"中"}}),
		},
	}
	if err := w.Put(o); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := openWorld(t, dir)
	got, _ := again.Get(o.Type, o.Place, o.ID)
	if diff := cmp.Diff(o, got, cmp.AllowUnexported(Object{})); diff != "" {
		t.Errorf("after reopening (-put +got):\n%s", diff)
	}
}

// worldModel is what the world should hold: key to a property of the state.
type worldModel map[string]string

func (w *World) model() worldModel {
	m := worldModel{}
	for _, o := range w.List("") {
		m[fmt.Sprint(keyOf(&o))] = o.Text("v")
	}
	return m
}

// randomOperation changes world and model in the same way. A third of the operations are deletions.
func randomOperation(t *testing.T, random *rand.Rand, w *World, m worldModel, n int) {
	t.Helper()
	o := Object{
		Type:  []string{bucketToken, roleToken, logGroupToken, logStreamToken}[random.IntN(4)],
		Place: []partition.Place{beijing, ningxia, archive}[random.IntN(3)],
		ID:    "id" + strconv.Itoa(random.IntN(4)),
	}
	o.State = properties("v", strconv.Itoa(n), "logGroupName", "g", "name", o.ID)
	k := fmt.Sprint(keyOf(&o))
	var err error
	if random.IntN(3) == 0 {
		delete(m, k)
		err = w.Delete(o.Type, o.Place, o.ID)
	} else {
		m[k] = strconv.Itoa(n)
		err = w.Put(o)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestWorldSurvivesCrashes makes random changes, and opens what a crash at every byte of the journal leaves: all that
// was acknowledged by then is there, and nothing else.
func TestWorldSurvivesCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			dir := t.TempDir()
			w := openWorld(t, dir)
			path := filepath.Join(dir, journalName)
			type acknowledged struct {
				size  int
				model worldModel
			}
			m := worldModel{}
			var history []acknowledged
			for n := range 40 {
				if random.IntN(10) == 0 { // a restart in between
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
					w = openWorld(t, dir)
				}
				randomOperation(t, random, w, m, n)
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				history = append(history, acknowledged{int(info.Size()), maps.Clone(m)})
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			crashed := t.TempDir()
			for cut := range len(data) + 1 {
				want := worldModel{}
				for _, a := range history {
					if a.size <= cut {
						want = a.model
					}
				}
				var got World
				if _, err := got.replay(data[:cut], path); err != nil {
					t.Fatalf("crash at byte %d: %v", cut, err)
				}
				if diff := cmp.Diff(want, got.model()); diff != "" {
					t.Fatalf("crash at byte %d (-want +got):\n%s", cut, diff)
				}
				if cut%211 != 0 {
					continue
				}
				// A whole restart: the tail is cut off, and the world goes on from there.
				if err := os.WriteFile(filepath.Join(crashed, journalName), data[:cut], 0o600); err != nil {
					t.Fatal(err)
				}
				goOn(t, crashed, maps.Clone(want))
			}
		})
	}
}

// goOn opens a world, adds to it, and looks at it again.
func goOn(t *testing.T, dir string, m worldModel) {
	t.Helper()
	w, err := OpenWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := Object{Type: bucketToken, ID: "afterwards", Place: archive, State: properties("v", "yes")}
	if err := w.Put(o); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m[fmt.Sprint(keyOf(&o))] = "yes"
	again, err := OpenWorldReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again.model()); diff != "" {
		t.Fatalf("after going on (-want +got):\n%s", diff)
	}
}

func TestWorldReportsATornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWorld(t, dir)
	if err := w.Put(Object{Type: roleToken, ID: "a", Place: beijing}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, journalName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`1234abcd 2 99 {"put":[{"ty`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	w = openWorld(t, dir)
	if got := w.Recovery().TornBytes; got != 26 {
		t.Errorf("torn bytes: %d, want 26", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w = openWorld(t, dir); w.Recovery().TornBytes != 0 {
		t.Error("the tail is still there")
	}
}

func TestWorldCompactsAtOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWorld(t, dir)
	for n := range 600 {
		if err := w.Put(Object{Type: roleToken, ID: strconv.Itoa(n % 3), Place: beijing, State: properties("v", strconv.Itoa(n))}); err != nil {
			t.Fatal(err)
		}
	}
	want := w.model()
	seq := w.journal.seq
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// A crash in the middle of an earlier compaction leaves its new file behind.
	if err := os.WriteFile(filepath.Join(dir, journalName+".new"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	w = openWorld(t, dir)
	if !w.Recovery().Compacted {
		t.Error("600 entries of 3 objects were not compacted")
	}
	if diff := cmp.Diff(want, w.model()); diff != "" {
		t.Errorf("compaction changed the world (-want +got):\n%s", diff)
	}
	if err := w.Delete(roleToken, beijing, "0"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = openWorld(t, dir)
	if got := len(w.List("")); got != 2 || w.journal.seq <= seq {
		t.Errorf("after compaction and a deletion: %d objects, entry %d after %d", got, w.journal.seq, seq)
	}
}

func TestWorldIsForOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWorld(t, dir)
	if err := w.Put(Object{Type: roleToken, ID: "a", Place: beijing}); err != nil {
		t.Fatal(err)
	}
	_, err := OpenWorld(dir)
	var inUse *InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Errorf("second OpenWorld: %v, want an InUseError with process %d", err, os.Getpid())
	}
	reader, err := OpenWorldReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(reader.List(roleToken)) != 1 {
		t.Error("a reader does not see the role")
	}
	if err := reader.Put(Object{Type: roleToken, ID: "b", Place: beijing}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a reader's change: %v", err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Put(Object{Type: roleToken, ID: "b", Place: beijing}); err == nil {
		t.Error("a closed world can be changed")
	}
	if empty, err := OpenWorldReadOnly(filepath.Join(dir, "none")); err != nil || len(empty.List("")) != 0 {
		t.Errorf("no world at all: %v", err)
	}
}

// TestWorldSurvivesKill9 kills a process in the middle of its changes: what it has told us it made is there.
func TestWorldSurvivesKill9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if os.Getenv("SANDBOX_TEST_DIR") != "" {
		putUntilKilled(os.Getenv("SANDBOX_TEST_DIR"))
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestWorldSurvivesKill9$")
	child.Env = append(os.Environ(), "SANDBOX_TEST_DIR="+dir)
	var told strings.Builder
	reached := make(chan struct{})
	child.Stdout = writerFunc(func(p []byte) (int, error) {
		told.Write(p)
		if strings.Count(told.String(), "\n") > 200 && reached != nil {
			close(reached)
			reached = nil
		}
		return len(p), nil
	})
	wait := reached
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-wait:
	case <-time.After(30 * time.Second):
		t.Error("the child made nothing")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	w := openWorld(t, dir)
	for id := range strings.FieldsSeq(told.String()[:strings.LastIndex(told.String(), "\n")+1]) {
		if _, ok := w.Get(roleToken, beijing, id); !ok {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// putUntilKilled writes from several goroutines, and prints a line for each change that was acknowledged.
func putUntilKilled(dir string) {
	w, err := OpenWorld(dir)
	if err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	for writer := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", writer, i)
				if err := w.Put(Object{Type: roleToken, ID: id, Place: beijing, State: properties("v", id)}); err != nil {
					panic(err)
				}
				fmt.Fprintln(os.Stdout, id)
			}
		})
	}
	wg.Wait()
}

func BenchmarkWorldOpen(b *testing.B) {
	dir := b.TempDir()
	w, err := OpenWorld(dir)
	if err != nil {
		b.Fatal(err)
	}
	var objects []Object
	for n := range 2000 {
		name := "/app/" + strconv.Itoa(n)
		objects = append(objects, Object{Type: logGroupToken, ID: name, Place: beijing, State: properties("arn", beijing.LogGroupARN(name).String(), "name", name, "retentionInDays", 30.0)})
	}
	if err := w.Put(objects...); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := OpenWorldReadOnly(dir); err != nil {
			b.Fatal(err)
		}
	}
}
