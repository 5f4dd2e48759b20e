// Log archive: the Pulumi program. `pulumi up --stack beijing` runs it.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/stacks"
)

func main() {
	pulumi.Run(stacks.Run)
}
