package verify

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// mermaid draws the paths: what is in one account and region stands in one box, and what is closed is red.
func (r *Report) mermaid() []byte {
	c := &flowchart{arrows: map[arrow]*arrowOf{}}
	steps, _ := r.steps()
	for _, s := range steps {
		c.add(s)
	}
	c.fold()
	return c.text()
}

type flowchart struct{ arrows map[arrow]*arrowOf }

type arrow struct{ from, to Stop }

// arrowOf is what several steps between the same stops come to.
type arrowOf struct {
	hops, refused, broken int
	seen                  map[*Verdict]bool
}

func (a *arrowOf) closed() bool { return a.refused+a.broken > 0 }

func (c *flowchart) add(s *Step) {
	key := arrow{s.From, s.To}
	a := c.arrows[key]
	if a == nil {
		a = &arrowOf{seen: map[*Verdict]bool{}}
		c.arrows[key] = a
	}
	for _, v := range s.Hops {
		if a.seen[v] {
			continue
		}
		a.seen[v] = true
		a.hops++
		if !v.Allowed {
			a.refused++
		}
	}
	a.broken += len(s.Breaks)
}

// fold draws only the first of many open sources of one kind and place with the same target.
func (c *flowchart) fold() {
	reached := map[Stop]bool{}
	for a := range c.arrows {
		reached[a.to] = true
	}
	type bundle struct {
		kind  string
		place partition.Place
		to    Stop
	}
	bundles := map[bundle][]Stop{}
	for a, of := range c.arrows {
		if !reached[a.from] && !of.closed() {
			b := bundle{a.from.Kind, a.from.Place, a.to}
			bundles[b] = append(bundles[b], a.from)
		}
	}
	for b, froms := range bundles {
		if len(froms) <= many+1 {
			continue
		}
		slices.SortFunc(froms, compareStops)
		rest := &arrowOf{}
		for _, from := range froms[many:] {
			rest.hops += c.arrows[arrow{from, b.to}].hops
			delete(c.arrows, arrow{from, b.to})
		}
		c.arrows[arrow{Stop{b.kind, fmt.Sprintf("and %d more", len(froms)-many), b.place}, b.to}] = rest
	}
}

func compareStops(a, b Stop) int {
	return cmp.Or(cmp.Compare(a.Place.String(), b.Place.String()), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

func (c *flowchart) text() []byte {
	var b bytes.Buffer
	b.WriteString("flowchart LR\n")
	arrows := slices.SortedFunc(maps.Keys(c.arrows), func(x, y arrow) int {
		return cmp.Or(compareStops(x.from, y.from), compareStops(x.to, y.to))
	})
	stops := map[Stop]bool{}
	for _, a := range arrows {
		stops[a.from], stops[a.to] = true, true
	}
	ids := c.nodes(&b, slices.SortedFunc(maps.Keys(stops), compareStops))
	var red []string
	for i, a := range arrows {
		of := c.arrows[a]
		label := count(of.hops, "hop")
		if of.closed() {
			red = append(red, fmt.Sprint(i))
			label = fmt.Sprintf("closed: %d of %s refused", of.refused, count(of.hops, "hop"))
			if of.broken > 0 {
				label += ", " + count(of.broken, "broken link")
			}
		}
		fmt.Fprintf(&b, "  %s -->|\"%s\"| %s\n", ids[a.from], label, ids[a.to])
	}
	if len(red) > 0 {
		fmt.Fprintf(&b, "  linkStyle %s stroke:#d32f2f,stroke-width:3px,color:#d32f2f\n", strings.Join(red, ","))
	}
	b.WriteString("  classDef nowhere stroke:#d32f2f,color:#d32f2f,stroke-dasharray:4\n")
	return b.Bytes()
}

// nodes draws the stops, those of an account in a box and those of a region in a box in it. What has no known place stands
// outside.
func (c *flowchart) nodes(b *bytes.Buffer, stops []Stop) map[Stop]string {
	ids := map[Stop]string{}
	var in partition.Place
	leave := func(account bool) {
		if in.Region != "" {
			b.WriteString("    end\n")
		}
		if account && in.Account != "" {
			b.WriteString("  end\n")
		}
	}
	for i, s := range stops {
		ids[s] = fmt.Sprintf("n%d", i+1)
		if p := s.Place; p != in {
			leave(p.Account != in.Account)
			if p.Account != in.Account && p.Account != "" {
				fmt.Fprintf(b, "  subgraph a%s[\"account %s\"]\n", p.Account, p.Account)
			}
			if p.Region != "" {
				fmt.Fprintf(b, "    subgraph a%s_%s[\"%s\"]\n", p.Account, strings.ReplaceAll(string(p.Region), "-", "_"), p.Region)
			}
			in = p
		}
		fmt.Fprintf(b, "      %s%s\n", ids[s], boxed(s))
	}
	leave(true)
	return ids
}

// boxed draws what keeps logs as a cylinder, what carries them as a box with double sides, and sources round.
func boxed(s Stop) string {
	label := strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;").Replace(s.Kind) + "<br/>" +
		strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;").Replace(s.Name)
	switch s.Kind {
	case KindBucket, KindVault:
		return `[("` + label + `")]`
	case KindStream, KindQueue, KindTopic, KindFunction:
		return `[["` + label + `"]]`
	case KindNowhere:
		return `["` + label + `"]:::nowhere`
	}
	return `(["` + label + `"])`
}
