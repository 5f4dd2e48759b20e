package policy

import "strings"

// resourcePattern is an entry of Resource or NotResource.
type resourcePattern struct {
	everything bool // "*"
	// fields are the partition, service, region and account; rest is what follows the fifth colon. Wildcards of one
	// field don't reach into the next, and variables are replaced in rest only.
	fields [4]string
	rest   template
	// short ARNs have fewer than six fields. In policies of identities AWS fills them up with "*"; in policies of
	// resources only if they have a wildcard.
	short, hasWildcard bool
	// broken entries are neither "*" nor begin with "arn:". They match nothing.
	broken bool
}

func compileResource(s string, variables bool) resourcePattern {
	if s == "*" {
		return resourcePattern{everything: true}
	}
	parts := splitOutsideVariables(s, variables)
	if parts[0] != "arn" {
		return resourcePattern{broken: true}
	}
	p := resourcePattern{short: len(parts) < 6, hasWildcard: strings.Contains(s, "*")}
	for len(parts) < 6 {
		parts = append(parts, "*")
	}
	for i := range p.fields {
		p.fields[i] = encodeWildcards(strings.ToValidUTF8(parts[i+1], "\uFFFD"), true)
	}
	p.rest = compileTemplate(parts[5], variables, true)
	return p
}

// splitOutsideVariables cuts s at its first five colons, except those within ${...}.
func splitOutsideVariables(s string, variables bool) []string {
	var parts []string
	start, depth := 0, 0
	for i := 0; i < len(s) && len(parts) < 5; i++ {
		switch {
		case variables && strings.HasPrefix(s[i:], "${") && strings.Contains(s[i:], "}"):
			depth = 1
		case s[i] == '}':
			depth = 0
		case s[i] == ':' && depth == 0:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// covers says whether the entry covers the resource of a request. "*" as a resource is covered by "*" only.
func (p *resourcePattern) covers(r *prepared, ofResource bool) bool {
	switch {
	case p.everything:
		return true
	case p.short && ofResource && !p.hasWildcard:
		return false
	}
	if !p.fieldsMatch(r) {
		return false
	}
	rest, ok := p.rest.expand(r.Context)
	return ok && matches(rest, r.arn[5])
}

// fieldsMatch says whether all fields but the last match.
func (p *resourcePattern) fieldsMatch(r *prepared) bool {
	if p.everything || p.broken || !r.isARN {
		return false
	}
	for i := range p.fields {
		if !matches(p.fields[i], r.arn[i+1]) {
			return false
		}
	}
	return true
}
