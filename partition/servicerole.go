package partition

import "fmt"

// serviceRoles has the names of service-linked roles, which AWS makes and whose policies AWS keeps.
var serviceRoles = map[Service]struct{ name, source string }{
	Config: {"AWSServiceRoleForConfig", "AWS Config Developer Guide, using-service-linked-roles (H in aws, M in aws-cn)"},
}

// ServiceLinkedRoleARN returns the ARN of the role that is linked to service s in the account. A service without one in the
// table is an error.
func (p Place) ServiceLinkedRoleARN(s Service) (ARN, error) {
	role, ok := serviceRoles[s]
	if !ok {
		return ARN{}, fmt.Errorf("service-linked role of %q: not in the table", s)
	}
	principal, err := p.ServicePrincipal(s)
	if err != nil {
		return ARN{}, err
	}
	return p.RoleARN("aws-service-role/" + string(principal) + "/" + role.name), nil
}
