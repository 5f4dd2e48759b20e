package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// line is a line of an access log, with all of its fields:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html,
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html,
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html,
// https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
//
// A network load balancer logs no requests: its id is the name that the client asked for.
func (a *accessLog) line(id string, at time.Time, milliseconds int, random *rand.Rand) string {
	order, bytes := random.IntN(10_000), random.IntN(100_000)
	client := fmt.Sprintf("192.0.2.%d", random.IntN(256))
	port := 1024 + random.IntN(60_000)
	name := strings.TrimPrefix(a.object.ID, "loadbalancer/")
	const agent = `"Mozilla/5.0 (X11; Linux x86_64)"`
	const cipher = "ECDHE-RSA-AES128-GCM-SHA256"
	switch {
	case a.ofBucket():
		request := fmt.Sprintf(`"GET /%s/orders/%d?id=%s HTTP/1.1"`, a.name, order, id)
		return fmt.Sprintf("79a59df900b949e5 %s [%s] %s - 3E57427F33A59F07 REST.GET.OBJECT orders/%d %s 200 - %d %d %d %d \"-\" %s - %s SigV4 %s AuthHeader %s.s3.example TLSv1.2 - -",
			a.name, at.Format("02/Jan/2006:15:04:05 -0700"), client, order, request, bytes, bytes, milliseconds, milliseconds, agent, "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=", cipher, a.name)
	case a.network:
		return fmt.Sprintf("tls 2.0 %s %s 0123456789abcdef %s:%d 10.0.0.1:443 %d %d %d %d - - - %s tlsv12 - id=%s - - - %s",
			at.Format("2006-01-02T15:04:05"), name, client, port, milliseconds, 1+random.IntN(9), bytes, bytes, cipher, id, at.Format("2006-01-02T15:04:05"))
	case a.classic:
		return fmt.Sprintf(`%s %s %s:%d 10.0.0.1:80 0.000073 0.00%d 0.000057 200 200 0 %d "GET http://shop.example:80/orders/%d?id=%s HTTP/1.1" %s - -`,
			at.Format("2006-01-02T15:04:05.000000Z"), a.name, client, port, random.IntN(10), bytes, order, id, agent)
	}
	return fmt.Sprintf(`https %s %s %s:%d 10.0.0.1:80 0.000 0.00%d 0.000 200 200 34 %d "GET https://shop.example:443/orders/%d?id=%s HTTP/1.1" %s %s TLSv1.2 - "Root=1-58337281-1d84f3d73c47ec4e58577259" "shop.example" "session-reused" 1 %s "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_0123456789abcdef`,
		at.Format("2006-01-02T15:04:05.000000Z"), name, client, port, random.IntN(10), bytes, order, id, agent, cipher, at.Format("2006-01-02T15:04:05.000000Z"))
}
