package catalog

import "strconv"

// position appends a position to a path.
func position(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// under appends a key to a path.
func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
