package corpus

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

func address(r *rand.Rand) string {
	return fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(64), r.IntN(256))
}

func at(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

func one(r *rand.Rand, choices ...string) string { return choices[r.IntN(len(choices))] }

// flowLine is a VPC flow log record in the default format, version 2.
func flowLine(r *rand.Rand, millis int64) string {
	packets := 1 + r.IntN(40)
	start := millis/1000 - int64(r.IntN(60))
	return fmt.Sprintf("2 111122223333 eni-0a1b2c3d4e5f60718 %s %s %s %d %s %d %d %d %d %s OK",
		address(r), address(r), one(r, "443", "80", "3306", "5432", "53"), 1024+r.IntN(64000), one(r, "6", "6", "6", "17"),
		packets, packets*(40+r.IntN(1400)), start, start+60, one(r, "ACCEPT", "ACCEPT", "ACCEPT", "REJECT"))
}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"okhttp/4.12.0", "curl/8.5.0", "Prometheus/2.54.1",
}

// nginxLine is an access log line in the combined format.
func nginxLine(r *rand.Rand, millis int64) string {
	return fmt.Sprintf(`%s - - [%s] "%s /api/v%d/%s/%d?page=%d HTTP/1.1" %s %d "https://shop.example.cn/%s" "%s" %.3f`,
		address(r), at(millis).Format("02/Jan/2006:15:04:05 +0000"), one(r, "GET", "GET", "GET", "POST", "PUT"), 1+r.IntN(2),
		one(r, "orders", "items", "users", "carts", "search"), r.IntN(1_000_000), r.IntN(20), one(r, "200", "200", "200", "304", "404", "502"),
		r.IntN(60_000), one(r, "home", "checkout", "商品", "account"), agents[r.IntN(len(agents))], r.Float64())
}

// appLine is a JSON line of a service, so that the message is full of escaped quotes.
func appLine(r *rand.Rand, millis int64) string {
	return fmt.Sprintf(`{"time":"%s","level":"%s","logger":"com.example.orders.%s","thread":"http-nio-8080-exec-%d","trace":"%016x%016x","user":%d,"elapsedMs":%d,"message":"%s","city":"%s"}`,
		at(millis).Format("2006-01-02T15:04:05.000Z"), one(r, "INFO", "INFO", "INFO", "WARN", "ERROR"),
		one(r, "OrderService", "PaymentClient", "StockRepository", "KafkaPublisher"), 1+r.IntN(16), r.Uint64(), r.Uint64(), r.IntN(1_000_000), r.IntN(900),
		one(r, "order placed", "payment authorised by provider", "stock reserved for order, waiting for shipment", "retrying request after timeout", "published event to topic orders.v2"),
		one(r, "北京", "银川", "上海", "Zürich"))
}

// slowLine is an entry of MySQL's slow query log: several lines in one event.
func slowLine(r *rand.Rand, millis int64) string {
	var where strings.Builder
	for i := range 1 + r.IntN(4) {
		if i > 0 {
			where.WriteString("\n    AND ")
		}
		fmt.Fprintf(&where, "o.%s %s %d", one(r, "customer_id", "status", "warehouse_id", "total_cents"), one(r, "=", ">", "<"), r.IntN(100_000))
	}
	t := at(millis)
	return fmt.Sprintf("# Time: %s\n# User@Host: orders[orders] @  [%s]  Id: %d\n# Query_time: %.6f  Lock_time: %.6f Rows_sent: %d  Rows_examined: %d\nuse orders;\nSET timestamp=%d;\nSELECT o.id, o.customer_id, o.status, o.total_cents, c.name, c.city\n  FROM orders o\n  JOIN customers c ON c.id = o.customer_id\n  WHERE %s\n  ORDER BY o.created_at DESC\n  LIMIT %d;",
		t.Format("2006-01-02T15:04:05.000000Z"), address(r), r.IntN(900_000), 1+r.Float64()*9, r.Float64()/1000, r.IntN(500), r.IntN(2_000_000),
		t.Unix(), where.String(), 10+r.IntN(490))
}
