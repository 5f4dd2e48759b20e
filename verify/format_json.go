package verify

import (
	"bytes"
	"encoding/json"
)

// The shapes of a report as JSON. [Write] promises them.
type (
	jsonReport struct {
		Version    int             `json:"version"`
		Failed     bool            `json:"failed"`
		Totals     Totals          `json:"totals"`
		Paths      []jsonPath      `json:"paths"`
		Steps      []jsonStep      `json:"steps"`
		Violations []jsonViolation `json:"violations"`
		Unneeded   []jsonUnneeded  `json:"unneeded"`
	}
	jsonPath struct {
		Source jsonStop `json:"source"`
		URN    string   `json:"urn"` // of the resource that sends the source's logs on their way
		Proven bool     `json:"proven"`
		Steps  []int    `json:"steps"` // positions in the report's steps
	}
	jsonStop struct {
		Kind    string `json:"kind"`
		Name    string `json:"name"`
		Account string `json:"account,omitempty"`
		Region  string `json:"region,omitempty"`
	}
	jsonStep struct {
		From   jsonStop    `json:"from"`
		To     jsonStop    `json:"to"`
		Open   bool        `json:"open"`
		Hops   []jsonHop   `json:"hops"`
		Breaks []jsonBreak `json:"breaks"`
	}
	jsonBreak struct {
		Resource string `json:"resource"`
		Property string `json:"property,omitempty"`
		Reason   string `json:"reason"`
		Remedy   string `json:"remedy"`
	}
	jsonHop struct {
		Title    string              `json:"title"`
		Caller   string              `json:"caller"` // a service principal, or a role's ARN
		Action   string              `json:"action"`
		Resource string              `json:"resource"`
		Owner    string              `json:"owner,omitempty"`
		Context  map[string][]string `json:"context,omitempty"`
		Carrier  string              `json:"carrier"`
		Allowed  bool                `json:"allowed"`
		Causes   []jsonCause         `json:"causes"`
		Assumed  []string            `json:"assumed,omitempty"`
		Remedies []jsonRemedy        `json:"remedies,omitempty"`
	}
	jsonCause struct {
		Carrier   string `json:"carrier"`
		Policy    string `json:"policy"`    // its kind, in words
		Statement int    `json:"statement"` // its position, from 0
		Sid       string `json:"sid,omitempty"`
		Effect    string `json:"effect"`
	}
	jsonRemedy struct {
		Carrier   string          `json:"carrier"`
		Policy    string          `json:"policy"`
		Words     string          `json:"words"`
		Statement json.RawMessage `json:"statement,omitempty"` // to add
	}
	jsonViolation struct {
		Rule      string          `json:"rule"`
		Resource  string          `json:"resource"`
		Reason    string          `json:"reason"`
		Remedy    string          `json:"remedy"`
		Statement json.RawMessage `json:"statement,omitempty"` // to add
		Source    string          `json:"source,omitempty"`
		Waived    string          `json:"waived,omitempty"` // the reason for which it is
	}
	jsonUnneeded struct {
		Carrier   string `json:"carrier"`
		Policy    string `json:"policy"`
		Statement int    `json:"statement"`
		Sid       string `json:"sid,omitempty"`
		Part      string `json:"part"`
	}
)

func (r *Report) json() ([]byte, error) {
	out := jsonReport{
		Version: 1, Failed: r.Failed(), Totals: r.Totals(),
		Paths: []jsonPath{}, Steps: []jsonStep{}, Violations: []jsonViolation{}, Unneeded: []jsonUnneeded{},
	}
	steps, at := r.steps()
	for _, p := range r.Paths {
		j := jsonPath{
			Source: stopJSON(Stop{p.Source.Kind, p.Source.Name, p.Source.Place}), URN: p.Source.URN, Proven: p.Proven(), Steps: []int{},
		}
		for _, s := range p.Steps {
			j.Steps = append(j.Steps, at[s])
		}
		out.Paths = append(out.Paths, j)
	}
	for _, s := range steps {
		j := jsonStep{From: stopJSON(s.From), To: stopJSON(s.To), Open: s.Open(), Hops: []jsonHop{}, Breaks: []jsonBreak{}}
		for _, v := range s.Hops {
			j.Hops = append(j.Hops, hopJSON(v))
		}
		for _, b := range s.Breaks {
			j.Breaks = append(j.Breaks, jsonBreak(b))
		}
		out.Steps = append(out.Steps, j)
	}
	for _, v := range r.Violations {
		out.Violations = append(out.Violations, jsonViolation{v.Rule, v.Resource, v.Reason, v.Remedy, json.RawMessage(v.Statement), v.Source, v.Waived})
	}
	for _, u := range r.Unneeded {
		out.Unneeded = append(out.Unneeded, jsonUnneeded{u.Carrier, u.Kind.String(), u.Index, u.Sid, u.Part})
	}
	return encode(out)
}

func stopJSON(s Stop) jsonStop {
	return jsonStop{s.Kind, s.Name, string(s.Place.Account), string(s.Place.Region)}
}

func hopJSON(v *Verdict) jsonHop {
	j := jsonHop{
		Title: v.Title, Caller: v.Caller.String(), Action: v.Action, Resource: v.Resource, Owner: string(v.Owner), Context: v.Context,
		Carrier: v.Carrier, Allowed: v.Allowed, Causes: []jsonCause{}, Assumed: v.Assumed,
	}
	for _, c := range v.Causes {
		j.Causes = append(j.Causes, jsonCause{c.Carrier, c.Kind.String(), c.Index, c.Sid, string(c.Effect)})
	}
	for _, m := range v.Remedies {
		jm := jsonRemedy{Carrier: m.Carrier, Policy: m.Kind.String(), Words: m.Words}
		if m.Statement != nil {
			jm.Statement = json.RawMessage(statementJSON(*m.Statement))
		}
		j.Remedies = append(j.Remedies, jm)
	}
	return j
}

// encode prints a value as indented JSON, without escaping <, > and &.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
