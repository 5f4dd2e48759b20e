package components

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ArgsError says everything that is wrong with the Args of one component. Nothing has been registered then.
type ArgsError struct {
	Component string // such as "LogArchiveBucket"
	Name      string // the component's name in the program
	Problems  []Problem
}

// Problem is one wrong field of Args.
type Problem struct {
	Field string // path of the field, such as "Transitions[1].Days"
	Value string // as it was given
	Want  string // what is accepted, or why this isn't
}

// Error lists the problems, a line each.
func (e *ArgsError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q: ", e.Component, e.Name)
	if len(e.Problems) > 1 {
		fmt.Fprintf(&b, "%d problems:", len(e.Problems))
	}
	for _, p := range e.Problems {
		if len(e.Problems) > 1 {
			b.WriteString("\n  ")
		}
		fmt.Fprintf(&b, "%s: %q: %s", p.Field, p.Value, p.Want)
	}
	return b.String()
}

// problems collects what is wrong while Args are checked.
type problems struct{ list []Problem }

func (p *problems) add(field string, value any, want string, args ...any) {
	p.list = append(p.list, Problem{field, fmt.Sprint(value), fmt.Sprintf(want, args...)})
}

// refuse adds err, if there is one, as a problem of the field.
func (p *problems) refuse(field string, value any, err error) {
	if err != nil {
		p.add(field, value, "%v", err)
	}
}

// of adds the problems of the Args of a component within, once each.
func (p *problems) of(err error) {
	var args *ArgsError
	if !errors.As(err, &args) {
		return
	}
	for _, problem := range args.Problems {
		if !slices.Contains(p.list, problem) {
			p.list = append(p.list, problem)
		}
	}
}

func (p *problems) atLeast(field string, value, least int) {
	if value < least {
		p.add(field, value, "want at least %d", least)
	}
}

func (p *problems) oneOf(field, value string, accepted ...string) {
	if !slices.Contains(accepted, value) {
		p.add(field, value, "want one of %s", strings.Join(accepted, ", "))
	}
}

func (p *problems) err(component, name string) error {
	if len(p.list) == 0 {
		return nil
	}
	return &ArgsError{component, name, p.list}
}
