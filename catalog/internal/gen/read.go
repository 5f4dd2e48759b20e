package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// property is what the source says about one property.
type property struct {
	name       string
	shape      shape
	required   bool
	forceNew   bool
	secret     bool
	deprecated string
}

// shape is the kind of a value: a scalar's name, "list" or "map" with an element, or "object" with a named struct.
type shape struct {
	kind   string
	elem   *shape
	object string // package.Struct, for objects
}

// schema is one resource type.
type schema struct {
	token           string
	inputs, outputs []property
}

// reader reads the packages of the SDK, each once.
type reader struct {
	root     string
	packages map[string]*sdkPackage
	objects  map[string][]property // nested structs that the schemas use, by package.Struct
}

// sdkPackage has the declarations of the files of one package that were read.
type sdkPackage struct {
	name    string
	structs map[string]*ast.StructType
	named   map[string]bool // other named types: enumerations, all of them strings
	funcs   map[string]*ast.FuncDecl
	files   map[string]bool
}

type schemas struct {
	types   []schema
	objects map[string][]property
}

func readAll(root string, tokens []string) (*schemas, error) {
	r := &reader{root: root, packages: map[string]*sdkPackage{}, objects: map[string][]property{}}
	out := &schemas{objects: r.objects}
	for _, tok := range tokens {
		s, err := r.read(tok)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tok, err)
		}
		out.types = append(out.types, s)
	}
	return out, nil
}

// place says where a token's type is declared: aws:s3/bucketV2:BucketV2 in s3/bucketV2.go as BucketV2.
func place(tok string) (folder, file, name string) {
	if tok == "pulumi:providers:aws" {
		return ".", "provider.go", "Provider"
	}
	parts := strings.Split(tok, ":")
	folder, file, _ = strings.Cut(parts[1], "/")
	return folder, file + ".go", parts[2]
}

func (r *reader) read(tok string) (schema, error) {
	folder, file, name := place(tok)
	p, err := r.load(folder, file)
	if err != nil {
		return schema{}, err
	}
	args, state := p.structs[lowerFirst(name)+"Args"], p.structs[name]
	create := p.funcs["New"+name]
	if args == nil || state == nil || create == nil {
		return schema{}, fmt.Errorf("%s has not the structs and the function that are expected", file)
	}
	required, secret := checks(create)
	s := schema{token: tok}
	for _, f := range fields(args) {
		prop, err := r.input(p, f)
		if err != nil {
			return schema{}, err
		}
		prop.required = required[f.goName]
		prop.secret = secret[prop.name]
		s.inputs = append(s.inputs, prop)
	}
	for _, f := range fields(state) {
		sh, err := r.outputShape(p, f.expr)
		if err != nil {
			return schema{}, fmt.Errorf("%s: %w", f.tag, err)
		}
		s.outputs = append(s.outputs, property{name: f.tag, shape: sh, secret: secret[f.tag], deprecated: deprecation(f.doc)})
	}
	return s, nil
}

// load parses a package's nested types and one more file.
func (r *reader) load(folder, file string) (*sdkPackage, error) {
	p := r.packages[folder]
	if p == nil {
		p = &sdkPackage{name: folder, structs: map[string]*ast.StructType{}, named: map[string]bool{},
			funcs: map[string]*ast.FuncDecl{}, files: map[string]bool{}}
		if folder == "." {
			p.name = "aws"
		}
		r.packages[folder] = p
		shared, err := filepath.Glob(filepath.Join(r.root, folder, "pulumi*.go"))
		if err != nil {
			return nil, err
		}
		for _, path := range shared {
			if err := p.parse(path); err != nil {
				return nil, err
			}
		}
	}
	return p, p.parse(filepath.Join(r.root, folder, file))
}

func (p *sdkPackage) parse(path string) error {
	if p.files[path] {
		return nil
	}
	p.files[path] = true
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				p.funcs[d.Name.Name] = d
			}
		case *ast.GenDecl:
			p.types(d)
		}
	}
	return nil
}

func (p *sdkPackage) types(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		if s, ok := t.Type.(*ast.StructType); ok {
			p.structs[t.Name.Name] = s
			continue
		}
		if id, ok := t.Type.(*ast.Ident); ok && id.Name == "string" {
			p.named[t.Name.Name] = true
		}
	}
}

// field is one tagged field of a struct.
type field struct {
	goName, tag, doc string
	expr             ast.Expr
}

func fields(s *ast.StructType) []field {
	var fs []field
	for _, f := range s.Fields.List {
		if f.Tag == nil || len(f.Names) != 1 {
			continue
		}
		_, tag, ok := strings.Cut(strings.Trim(f.Tag.Value, "`"), `pulumi:"`)
		if !ok {
			continue
		}
		tag, _, _ = strings.Cut(strings.TrimSuffix(tag, `"`), ",")
		fs = append(fs, field{f.Names[0].Name, tag, f.Doc.Text(), f.Type})
	}
	return fs
}

// input reads a field of a plain struct, whose Go type tells the shape.
func (r *reader) input(p *sdkPackage, f field) (property, error) {
	sh, required, err := r.inputShape(p, f.expr)
	if err != nil {
		return property{}, fmt.Errorf("%s: %w", f.tag, err)
	}
	return property{name: f.tag, shape: sh, required: required, forceNew: forcesNew(f.doc), deprecated: deprecation(f.doc)}, nil
}

// inputShape returns the shape of a plain Go type, and whether the type alone says that the value must be given: it
// is neither a pointer nor a list, a map or an interface.
func (r *reader) inputShape(p *sdkPackage, e ast.Expr) (sh shape, required bool, err error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		sh, _, err = r.inputShape(p, e.X)
		return sh, false, err
	case *ast.ArrayType:
		elem, _, err := r.inputShape(p, e.Elt)
		return shape{kind: "list", elem: &elem}, false, err
	case *ast.MapType:
		elem, _, err := r.inputShape(p, e.Value)
		return shape{kind: "map", elem: &elem}, false, err
	case *ast.InterfaceType:
		return shape{kind: "any"}, false, nil
	case *ast.SelectorExpr:
		return shape{kind: "asset"}, false, nil // pulumi.Archive, pulumi.AssetOrArchive
	case *ast.Ident:
		sh, err = r.named(p, e.Name)
		return sh, true, err
	}
	return shape{}, false, fmt.Errorf("a Go type %T isn't known to the generator", e)
}

var scalars = map[string]string{"string": "string", "bool": "bool", "int": "int", "float64": "float"}

// named returns the shape of a type by its name, and reads nested structs.
func (r *reader) named(p *sdkPackage, name string) (shape, error) {
	if kind, ok := scalars[name]; ok {
		return shape{kind: kind}, nil
	}
	if p.named[name] {
		return shape{kind: "string"}, nil
	}
	s, ok := p.structs[name]
	if !ok {
		return shape{}, fmt.Errorf("type %s isn't declared in package %s", name, p.name)
	}
	key := p.name + "." + name
	if _, done := r.objects[key]; !done {
		r.objects[key] = nil // ends the recursion of types that contain themselves
		for _, f := range fields(s) {
			prop, err := r.input(p, f)
			if err != nil {
				return shape{}, err
			}
			r.objects[key] = append(r.objects[key], prop)
		}
	}
	return shape{kind: "object", object: key}, nil
}

// outputShape reads the name of an output type: pulumi.StringPtrOutput, BucketV2GrantArrayOutput.
func (r *reader) outputShape(p *sdkPackage, e ast.Expr) (shape, error) {
	var name string
	switch e := e.(type) {
	case *ast.SelectorExpr:
		name = e.Sel.Name
	case *ast.Ident:
		name = e.Name
	default:
		return shape{}, fmt.Errorf("a Go type %T isn't known to the generator", e)
	}
	base, ok := strings.CutSuffix(name, "Output")
	if !ok {
		return shape{}, fmt.Errorf("%s is not an output type", name)
	}
	return r.outputBase(p, base)
}

func (r *reader) outputBase(p *sdkPackage, base string) (shape, error) {
	switch base {
	case "String", "Bool", "Int":
		return shape{kind: strings.ToLower(base)}, nil
	case "Float64":
		return shape{kind: "float"}, nil
	case "Any":
		return shape{kind: "any"}, nil
	case "Archive", "AssetOrArchive":
		return shape{kind: "asset"}, nil
	}
	if p.structs[base] != nil || p.named[base] {
		return r.named(p, base)
	}
	for suffix, kind := range map[string]string{"Ptr": "", "Array": "list", "Map": "map"} {
		inner, ok := strings.CutSuffix(base, suffix)
		if !ok {
			continue
		}
		sh, err := r.outputBase(p, inner)
		if err != nil || kind == "" {
			return sh, err
		}
		return shape{kind: kind, elem: &sh}, nil
	}
	return shape{}, fmt.Errorf("output type %sOutput isn't known to the generator", base)
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
