package sandbox

func linksOf(o *Object) []string { return nil }
