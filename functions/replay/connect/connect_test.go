package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/functions/replay"
)

// client is the real S3 client, talking to a handler.
func client(t *testing.T, h http.HandlerFunc) Store {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return Store{s3.New(s3.Options{BaseEndpoint: &server.URL, Region: "cn-northwest-1", UsePathStyle: true,
		Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{}})}
}

func TestConditionalWritesOnTheWire(t *testing.T) {
	t.Parallel()
	var text, tag string
	s := client(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/b/replay/x.json":
			t.Errorf("path %s", r.URL.Path)
		case r.Method == http.MethodGet && tag == "":
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		case r.Method == http.MethodGet:
			w.Header().Set("ETag", tag)
			_, _ = io.WriteString(w, text)
		case r.Header.Get("If-None-Match") == "*" && tag != "", r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != tag:
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = io.WriteString(w, "<Error><Code>PreconditionFailed</Code></Error>")
		case r.Header.Get("If-None-Match") == "" && r.Header.Get("If-Match") == "":
			t.Error("a write without a condition")
		default:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			text, tag = string(body), fmt.Sprintf("%q", fmt.Sprint(len(tag)))
			w.Header().Set("ETag", tag)
		}
	})
	ctx := t.Context()
	if _, _, err := s.Read(ctx, "b", "replay/x.json"); !errors.Is(err, replay.ErrNotFound) {
		t.Errorf("a marker that isn't there: %v", err)
	}
	first, err := s.Write(ctx, "b", "replay/x.json", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(ctx, "b", "replay/x.json", []byte("two"), ""); !errors.Is(err, replay.ErrConflict) {
		t.Errorf("a second creation: %v", err)
	}
	second, err := s.Write(ctx, "b", "replay/x.json", []byte("two"), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(ctx, "b", "replay/x.json", []byte("three"), first); !errors.Is(err, replay.ErrConflict) {
		t.Errorf("a write over another one: %v", err)
	}
	if data, at, err := s.Read(ctx, "b", "replay/x.json"); err != nil || !strings.Contains(string(data), "two") || at != second {
		t.Errorf("%q %s %v", data, at, err)
	}
}

func TestListOnTheWire(t *testing.T) {
	t.Parallel()
	entry := func(kind, key, version string, latest bool) string {
		return fmt.Sprintf("<%s><Key>%s</Key><VersionId>%s</VersionId><IsLatest>%v</IsLatest><ETag>&quot;e&quot;</ETag><Size>3</Size><LastModified>2026-11-21T10:00:00.000Z</LastModified></%s>", kind, key, version, latest, kind)
	}
	s := client(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if !q.Has("versions") || q.Get("prefix") != "errors/" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		if q.Get("key-marker") == "" {
			_, _ = io.WriteString(w, "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>errors/c</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker>"+
				entry("Version", "errors/a", "2", true)+entry("Version", "errors/a", "1", false)+
				entry("DeleteMarker", "errors/b", "3", true)+entry("Version", "errors/b", "1", false)+
				entry("DeleteMarker", "errors/c", "2", true)+"</ListVersionsResult>")
			return
		}
		_, _ = io.WriteString(w, "<ListVersionsResult><IsTruncated>false</IsTruncated>"+
			entry("Version", "errors/c", "1", false)+entry("Version", "errors/d", "5", true)+
			entry("DeleteMarker", "errors/d", "4", false)+entry("Version", "errors/d", "null", false)+"</ListVersionsResult>")
	})
	var got []string
	if err := s.List(t.Context(), "b", "errors/", func(o replay.Object) error {
		got = append(got, o.Key+" "+o.Version)
		if o.Size != 3 || o.Tag != `"e"` || !o.Modified.Equal(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v", o)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"errors/a 2", "errors/a 1", "errors/d 5", "errors/d null"}, got); diff != "" {
		t.Error(diff)
	}
	stop := errors.New("stop")
	if err := s.List(t.Context(), "b", "errors/", func(replay.Object) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func TestOpenAndStatOnTheWire(t *testing.T) {
	t.Parallel()
	s := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("versionId") == "gone" || strings.HasSuffix(r.URL.Path, "/none") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if v := r.URL.Query().Get("versionId"); v != "null" {
			w.Header().Set("X-Amz-Version-Id", v)
		}
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Length", "3")
		_, _ = io.WriteString(w, "abc")
	})
	if o, err := s.Stat(t.Context(), "b", "k", ""); err != nil || o.Version != "null" || o.Tag != `"e"` || o.Size != 3 {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := s.Stat(t.Context(), "b", "none", ""); !errors.Is(err, replay.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if o, err := s.Stat(t.Context(), "b", "k", "v7"); err != nil || o.Version != "v7" {
		t.Errorf("%+v, %v", o, err)
	}
	body, err := s.Open(t.Context(), "b", replay.Object{Key: "k", Version: "v7"})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(body); err != nil || string(data) != "abc" || body.Close() != nil {
		t.Errorf("%q %v", data, err)
	}
	if _, err := s.Open(t.Context(), "b", replay.Object{Key: "k", Version: "gone"}); !errors.Is(err, replay.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// A cancelled request is neither a conflict nor an absence.
func TestOtherErrorsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	s := client(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	_, err := s.Write(t.Context(), "b", "k", nil, "")
	if err == nil || errors.Is(err, replay.ErrConflict) || errors.Is(err, replay.ErrNotFound) {
		t.Errorf("denied: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stat(ctx, "b", "k", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
