package sandbox

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
)

// APIError is what AWS answers when it refuses a call.
type APIError struct {
	// Code is AWS's error code, such as NoSuchBucket.
	Code string
	// Message says what is wrong.
	Message string
}

func (e *APIError) Error() string { return "api error " + e.Code + ": " + e.Message }

// refusals are all reasons for which a call is refused.
type refusals []*APIError

func (r *refusals) add(code, format string, args ...any) {
	*r = append(*r, &APIError{Code: code, Message: fmt.Sprintf(format, args...)})
}

// err returns nil when there is no reason.
func (r refusals) err() error {
	if len(r) == 0 {
		return nil
	}
	return r
}

func (r refusals) Error() string {
	lines := make([]string, len(r))
	for i, e := range r {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// grpcCode gives an AWS error code the gRPC code that the engine understands as "refused, and nothing was changed".
func grpcCode(code string) codes.Code {
	switch {
	case strings.HasPrefix(code, "NoSuch"), strings.Contains(code, "NotFound"):
		return codes.NotFound
	case strings.Contains(code, "AlreadyExist"), strings.Contains(code, "AlreadyOwned"), code == "ResourceInUseException":
		return codes.AlreadyExists
	case strings.HasPrefix(code, "LimitExceeded"), strings.HasPrefix(code, "TooMany"), strings.Contains(code, "QuotaExceeded"):
		return codes.ResourceExhausted
	case strings.HasPrefix(code, "AccessDenied"), code == "PermanentRedirect":
		return codes.PermissionDenied
	}
	return codes.FailedPrecondition
}
