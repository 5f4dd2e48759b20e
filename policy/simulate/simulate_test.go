package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// Every testdata/NAME.in.json has its answer, or its error, in testdata/NAME.out.json.
func TestRun(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/*.in.json")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, in := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(in), ".in.json"), func(t *testing.T) {
			t.Parallel()
			input, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(strings.TrimSuffix(in, ".in.json") + ".out.json")
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := Run(bytes.NewReader(input), &out); err != nil {
				out.WriteString("error: " + err.Error() + "\n")
			}
			if d := cmp.Diff(string(want), out.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	const ok = `{"PolicyInputList":[],"ActionNames":["s3:GetObject"]}`
	doc := func(s string) string {
		b, _ := json.Marshal(s)
		return `{"PolicyInputList":[` + string(b) + `],"ActionNames":["s3:GetObject"]}`
	}
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "line 1: no request: want a JSON object"},
		{"blank lines", "\n \n", "line 1: no request"},
		{"not JSON", ok + "\n{\"ActionNames\" 1}", "line 2: not JSON: invalid character"},
		{"cut off", ok + "\n\n{\"ActionNames\": [", "line 3: not JSON: unexpected end"},
		{"a list", "[" + ok + "]", "line 1: want an object, not a list"},
		{"a string", `"x"`, "line 1: want an object, not a string"},
		{"null", "null", "want an object, not null"},
		{"a number", "1", "want an object, not a number"},
		{"a boolean", "true", "want an object, not a boolean"},
		{"unknown field", ok + "\n" + `{"PolicyInputList":[],` + "\n" + `"ActionName":["s3:GetObject"]}`, "line 3: ActionName: is not a field of a request"},
		{"case of a field", `{"policyInputList":[]}`, "line 1: policyInputList: is not a field"},
		{"twice", `{"ActionNames":["a:b"],"ActionNames":["a:b"]}`, "line 1: ActionNames: is given twice"},
		{"no actions", `{"PolicyInputList":[]}`, "line 1: ActionNames: is missing or empty"},
		{"empty actions", "{\"PolicyInputList\":[],\n\"ActionNames\":[]}", "line 2: ActionNames: is missing or empty"},
		{"no policies", `{"ActionNames":["s3:GetObject"]}`, "line 1: PolicyInputList: is missing"},
		{"policies as a string", `{"PolicyInputList":"{}","ActionNames":["s3:GetObject"]}`, "PolicyInputList: want a list of strings, not a string"},
		{"policy as an object", "{\"PolicyInputList\":[\n{}],\"ActionNames\":[\"s3:GetObject\"]}", "line 2: PolicyInputList[0]: want a string, not an object"},
		{"null field", `{"PolicyInputList":null,"ActionNames":["s3:GetObject"]}`, "PolicyInputList: want a list of strings, not null"},
		{"null item", `{"PolicyInputList":[null],"ActionNames":["s3:GetObject"]}`, "PolicyInputList[0]: want a string, not null"},
		{"policy that isn't JSON", doc("{"), "PolicyInputList[0]: policy document, line 1: "},
		{"policy with an unknown element", doc("{\n\"Statment\":[]}"), "PolicyInputList[0]: policy document, line 2: Statment: is not an element"},
		{"effect", doc(`{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`), `PolicyInputList[0]: policy PolicyInputList.1: Statement[0].Effect: "allow" is not one of Allow, Deny`},
		{"operator", doc(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"a:b":"c"}}}}`), `"StringIs" is not a condition operator`},
		{"version", doc(`{"Version":"2012","Statement":[]}`), `"2012" is not one of 2012-10-17, 2008-10-17`},
		{"principal in an identity's policy", doc(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}`), "PolicyInputList[0].Statement[0]: has a Principal"},
		{"no resource", doc(`{"Statement":{"Effect":"Allow","Action":"*"}}`), "Statement[0]: want either Resource or NotResource"},
		{"no action in a statement", doc(`{"Statement":{"Effect":"Allow","Resource":"*"}}`), "Statement[0]: want either Action or NotAction"},
		{"too long", doc(strings.Repeat(" ", maxPolicy+1)), "PolicyInputList[0]: has 131073 characters: want at most 131072"},
		{"two boundaries", `{"PolicyInputList":[],"PermissionsBoundaryPolicyInputList":["{\"Statement\":[]}","{\"Statement\":[]}"],"ActionNames":["a:b"]}`, "PermissionsBoundaryPolicyInputList: has 2 policies"},
		{"action with a wildcard", `{"PolicyInputList":[],"ActionNames":["s3:Get*"]}`, `ActionNames[0]: "s3:Get*" is not an action`},
		{"action without a service", `{"PolicyInputList":[],"ActionNames":["GetObject"]}`, `ActionNames[0]: "GetObject" is not an action`},
		{"resource", `{"PolicyInputList":[],"ActionNames":["a:b"],"ResourceArns":["*","bucket"]}`, `ResourceArns[1]: "bucket" is neither an ARN nor *`},
		{"owner", `{"PolicyInputList":[],"ActionNames":["a:b"],"ResourceOwner":"me"}`, `ResourceOwner: "me" is neither an account id`},
		{"caller", `{"PolicyInputList":[],"ActionNames":["a:b"],"CallerArn":"me"}`, `CallerArn: "me" is not a caller`},
		{"empty caller", `{"PolicyInputList":[],"ActionNames":["a:b"],"CallerArn":""}`, "CallerArn: is empty"},
		{"resource policy without caller", `{"ActionNames":["a:b"],"ResourcePolicy":"{\"Statement\":[]}"}`, "CallerArn: is missing"},
		{"empty resource policy", `{"PolicyInputList":[],"ActionNames":["a:b"],"ResourcePolicy":""}`, "ResourcePolicy: is empty"},
		{"resource policy without principal", `{"ActionNames":["a:b"],"CallerArn":"111122223333","ResourcePolicy":"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\"}}"}`, "ResourcePolicy.Statement[0]: want either Principal or NotPrincipal"},
		{"max items", `{"PolicyInputList":[],"ActionNames":["a:b"],"MaxItems":"1"}`, "MaxItems: want a whole number from 1"},
		{"entries", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":{}}`, "ContextEntries: want a list of objects, not an object"},
		{"an entry", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":["x"]}`, "ContextEntries[0]: want an object, not a string"},
		{"entry without a name", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{}]}`, "ContextEntries[0].ContextKeyName: is missing"},
		{"entry with an empty name", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":""}]}`, "ContextEntries[0].ContextKeyName: is empty"},
		{"field of an entry", "{\"PolicyInputList\":[],\"ActionNames\":[\"a:b\"],\"ContextEntries\":[\n{\"ContextKeyName\":\"a:b\",\n\"Values\":[]}]}", "line 3: ContextEntries[0].Values: is not a field of a context entry"},
		{"values of an entry", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b","ContextKeyValues":"x"}]}`, "ContextEntries[0].ContextKeyValues: want a list of strings, not a string"},
		{"type of an entry", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b","ContextKeyType":"text"}]}`, `ContextEntries[0].ContextKeyType: "text" is not one of string, stringList`},
		{"key twice", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b"},{"ContextKeyName":"A:B"}]}`, `ContextEntries[1].ContextKeyName: "A:B" is already ContextEntries[0]`},
		{"number", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b","ContextKeyType":"numericList","ContextKeyValues":["1","x"]}]}`, `ContextEntries[0].ContextKeyValues[1]: "x" is not of type numeric`},
		{"boolean", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b","ContextKeyType":"boolean","ContextKeyValues":["yes"]}]}`, `"yes" is not of type boolean`},
		{"ip", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b","ContextKeyType":"ip","ContextKeyValues":["10.0.0.0/8","10.0.0.256"]}]}`, `"10.0.0.256" is not of type ip`},
		{"binary", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b","ContextKeyType":"binary","ContextKeyValues":["?"]}]}`, `"?" is not of type binary`},
		{"date", `{"PolicyInputList":[],"ActionNames":["a:b"],"ContextEntries":[{"ContextKeyName":"a:b","ContextKeyType":"date","ContextKeyValues":["tomorrow"]}]}`, `"tomorrow" is not of type date`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := Run(strings.NewReader(c.in), io.Discard)
			var input *InputError
			if !errors.As(err, &input) {
				t.Fatalf("error %v (%T), want an InputError", err, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q in it", err, c.want)
			}
		})
	}
}

func TestRunNamesAllProblems(t *testing.T) {
	t.Parallel()
	err := Run(strings.NewReader("{\"ActionNames\":[\"x\"],\n\"ResourceArns\":[\"y\"],\n\"PolicyInputList\":[\"z\"]}"), io.Discard)
	var input *InputError
	if !errors.As(err, &input) || len(input.Problems) != 3 || input.Line != 1 {
		t.Errorf("want three problems, got %v", err)
	}
}

func TestRunKeepsErrorsOfReaderAndWriter(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var input *InputError
	if err := Run(iotest.ErrReader(broken), io.Discard); !errors.Is(err, broken) || errors.As(err, &input) {
		t.Errorf("reader: %v", err)
	}
	if err := Run(strings.NewReader(`{"PolicyInputList":[],"ActionNames":["s3:GetObject"]}`), failingWriter{broken}); !errors.Is(err, broken) {
		t.Errorf("writer: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// A reader at the other end of a pipe gets its answer before it asks again.
func TestRunAnswersAtOnce(t *testing.T) {
	t.Parallel()
	requests, toRun := io.Pipe()
	fromRun, answers := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := Run(requests, answers)
		answers.Close()
		done <- err
	}()
	dec := json.NewDecoder(fromRun)
	for range 3 {
		if _, err := io.WriteString(toRun, `{"PolicyInputList":[],"ActionNames":["s3:GetObject"]}`+"\n"); err != nil {
			t.Fatal(err)
		}
		var r Response
		if err := dec.Decode(&r); err != nil || len(r.EvaluationResults) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	toRun.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	r, err := Simulate(Request{
		PolicyInputList: []string{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`},
		ActionNames:     []string{"s3:GetObject", "sqs:SendMessage"},
	})
	if err != nil || len(r.EvaluationResults) != 2 || r.EvaluationResults[0].EvalDecision != "allowed" || r.EvaluationResults[1].EvalDecision != "implicitDeny" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Simulate(Request{}); err == nil {
		t.Error("an empty request: no error")
	}
}

// FuzzRun: no input makes it panic, and what it writes is JSON, a line for each request.
func FuzzRun(f *testing.F) {
	inputs, _ := filepath.Glob("testdata/*.in.json")
	for _, in := range inputs {
		data, err := os.ReadFile(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, in string) {
		var out, again bytes.Buffer
		err := Run(strings.NewReader(in), &out)
		if err2 := Run(strings.NewReader(in), &again); out.String() != again.String() || (err == nil) != (err2 == nil) {
			t.Fatalf("two runs differ:\n%s%v\n%s%v", &out, err, &again, err2)
		}
		for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
			if line != "" && !json.Valid([]byte(line)) {
				t.Fatalf("not JSON: %s", line)
			}
		}
	})
}
