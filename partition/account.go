package partition

import "fmt"

// Account is an AWS account id: exactly 12 decimal digits, leading zeros included.
type Account string

// ParseAccount returns s as an account id. The error says what is accepted.
func ParseAccount(s string) (Account, error) {
	if !isAccount(s) {
		return "", fmt.Errorf("%q is not an account id: want 12 digits", s)
	}
	return Account(s), nil
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
