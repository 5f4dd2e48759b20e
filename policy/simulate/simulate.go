package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Response is the answer to a request: a result for every action on every resource, in the request's order, the
// resources changing faster.
type Response struct {
	EvaluationResults []EvaluationResult
	IsTruncated       bool // always false
}

// EvaluationResult is what becomes of one action on one resource.
type EvaluationResult struct {
	EvalActionName   string
	EvalResourceName string
	EvalDecision     string // allowed, explicitDeny or implicitDeny
	// MatchedStatements decide: all statements that deny, or else those of the identity's and the resource's policies
	// that allow. An implicit deny has none.
	MatchedStatements []MatchedStatement
	// MissingContextValues are the condition keys that statements about this action and resource ask for and that
	// ContextEntries don't give.
	MissingContextValues []string
	// PermissionsBoundaryDecisionDetail is there when the request has a permission boundary.
	PermissionsBoundaryDecisionDetail *PermissionsBoundaryDecisionDetail `json:",omitempty"`
}

// PermissionsBoundaryDecisionDetail says whether the permission boundary allows the action.
type PermissionsBoundaryDecisionDetail struct{ AllowedByPermissionsBoundary bool }

// MatchedStatement names a statement of the request's policies: PolicyInputList.1 and so on,
// PermissionsBoundaryPolicyInputList.1, or ResourcePolicy.
type MatchedStatement struct {
	SourcePolicyID   string `json:"SourcePolicyId"`
	SourcePolicyType string `json:",omitempty"` // "resource" for the ResourcePolicy
	StartPosition    policy.Position
	EndPosition      policy.Position
}

// Simulate answers one request. The error is an [*InputError] that has all that is wrong with the request.
func Simulate(q Request) (*Response, error) {
	var d decoder
	s := d.build(q, func(string) int { return 1 })
	if d.problems != nil {
		return nil, &InputError{1, d.problems}
	}
	return s.run(), nil
}

// Run reads requests, one JSON object after the other (over several lines or one to a line), and writes a response to
// each on a line of its own. It stops at the first request that is wrong, with an [*InputError]; the responses to
// those before it have been written.
func Run(r io.Reader, w io.Writer) error {
	in := &lineReader{r: r}
	dec := json.NewDecoder(in)
	for n := 0; ; n++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			if errors.Is(err, io.EOF) && n > 0 {
				return nil
			}
			return in.inputError(err, dec.InputOffset())
		}
		response, err := answer(raw, in.line(dec.InputOffset()-int64(len(raw))))
		if err != nil {
			return err
		}
		text, err := encode(response)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
}

func answer(raw json.RawMessage, line int) (*Response, error) {
	var d decoder
	q, lines := d.request(raw, line)
	if d.problems != nil {
		return nil, &InputError{line, d.problems}
	}
	s := d.build(q, func(field string) int {
		if l, ok := lines[field]; ok {
			return l
		}
		return line
	})
	if d.problems != nil {
		return nil, &InputError{line, d.problems}
	}
	return s.run(), nil
}

// encode writes a response on one line, ARNs and patterns as they are.
func encode(r *Response) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(r)
	return b.Bytes(), err
}

func (s *simulation) run() *Response {
	out := &Response{EvaluationResults: make([]EvaluationResult, 0, len(s.actions)*len(s.resources))}
	for _, action := range s.actions {
		for _, resource := range s.resources {
			out.EvaluationResults = append(out.EvaluationResults, s.result(action, resource))
		}
	}
	return out
}

func (s *simulation) result(action, resource string) EvaluationResult {
	q := policy.Request{Action: action, Resource: resource, Owner: s.owner, Context: s.context}
	if s.caller != nil {
		q.Caller = *s.caller
	} else {
		q.Caller = someUser(resource, s.owner)
	}
	decision := policy.Evaluate(q, s.policies)
	result := EvaluationResult{
		EvalActionName: action, EvalResourceName: resource, EvalDecision: decision.Outcome.String(),
		MatchedStatements: []MatchedStatement{}, MissingContextValues: policy.Missing(q, s.policies),
	}
	if result.MissingContextValues == nil {
		result.MissingContextValues = []string{}
	}
	for _, r := range decision.Decisive() {
		if r.Layer == policy.BoundaryLayer && r.Effect == policy.Allow {
			continue
		}
		m := MatchedStatement{SourcePolicyID: r.Policy, StartPosition: s.spans[r.Policy][r.Index].Start, EndPosition: s.spans[r.Policy][r.Index].End}
		if r.Layer == policy.ResourceLayer {
			m.SourcePolicyType = "resource"
		}
		result.MatchedStatements = append(result.MatchedStatements, m)
	}
	if s.policies.Boundary != nil {
		// The boundary says yes when it alone, as the identity's only policy, would.
		alone := policy.Evaluate(q, policy.Policies{Identity: s.policies.Boundary})
		allowed := false
		for _, r := range alone.Reasons {
			allowed = allowed || r.Effect == policy.Allow
		}
		result.PermissionsBoundaryDecisionDetail = &PermissionsBoundaryDecisionDetail{allowed && alone.Outcome != policy.ExplicitDeny}
	}
	return result
}

// someUser returns a user of the account that the resource belongs to, for requests that don't say who calls.
func someUser(resource string, owner partition.Account) policy.Caller {
	arn := partition.ARN{Partition: partition.AWS, Service: partition.IAM, Account: "000000000000", Resource: "user/simulated"}
	if owner != "" {
		arn.Account = owner
	}
	if a, err := partition.ParseARN(resource); err == nil {
		arn.Partition = a.Partition
		if account, err := partition.ParseAccount(string(a.Account)); err == nil {
			arn.Account = account
		}
	}
	// The ARN is of a caller's form, whatever the resource.
	c, _ := policy.ParseCaller(arn.String())
	return c
}

// lineReader counts lines for error messages.
type lineReader struct {
	r      io.Reader
	offset int64
	// newlines are the offsets of those that line hasn't passed yet, passed the number of the others.
	newlines []int64
	passed   int
	err      error
}

func (l *lineReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.newlines = append(l.newlines, l.offset+int64(i))
		}
	}
	l.offset += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

// line returns the line of an offset, which must not be smaller than that of the call before.
func (l *lineReader) line(offset int64) int {
	for len(l.newlines) > 0 && l.newlines[0] < offset {
		l.newlines = l.newlines[1:]
		l.passed++
	}
	return l.passed + 1
}

// inputError turns the decoder's error into one that names the line; errors of the reader itself stay as they are.
func (l *lineReader) inputError(err error, offset int64) error {
	if l.err != nil {
		return l.err
	}
	reason := "not JSON: " + err.Error()
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		reason = "no request: want a JSON object"
	case errors.Is(err, io.ErrUnexpectedEOF):
		reason, offset = "not JSON: unexpected end", l.offset
	case errors.As(err, &syntax):
		offset = syntax.Offset
	}
	line := l.line(offset)
	return &InputError{line, []Problem{{line, "", reason}}}
}
