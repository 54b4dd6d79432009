package barrier

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// The cases that every language decides alike.
func readCases[Case any](t *testing.T, name string) []Case {
	t.Helper()
	text, err := os.ReadFile("../../protocol/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 10 {
		t.Fatalf("expected more than %d cases in %s", len(cases), name)
	}
	return cases
}

func TestDecidesAsTheProtocolSays(t *testing.T) {
	type verdict struct {
		Kind  Kind
		Reply Reply
		Code  string
	}
	type one struct {
		Row     *Row
		Phase   Phase
		Epoch   int64
		Verdict verdict
	}
	for _, wanted := range readCases[one](t, "decide-barrier.json") {
		got := Decide(wanted.Row, wanted.Phase, wanted.Epoch)
		if (verdict{got.Kind, got.Reply, got.Code}) != wanted.Verdict {
			t.Errorf("row %+v, %s of epoch %d: expected %+v, got %+v", wanted.Row, wanted.Phase, wanted.Epoch, wanted.Verdict, got)
		}
	}
}

func statusOf(t *testing.T, err error) int {
	t.Helper()
	var no *refused
	if err == nil {
		return 0
	}
	if !errors.As(err, &no) {
		t.Fatal(err)
	}
	return no.reply.Status
}

func TestReadsHeadersAsTheProtocolSays(t *testing.T) {
	type call struct {
		Saga, Step     string
		Phase          Phase
		Attempt, Epoch int64
		DeadlineMs     *int64
	}
	type one struct {
		Headers map[string]string
		Call    call
		Refused int
	}
	for _, wanted := range readCases[one](t, "call-headers.json") {
		headers := http.Header{}
		for name, value := range wanted.Headers {
			headers.Set(name, value)
		}
		got, err := readCall(headers)
		if status := statusOf(t, err); status != wanted.Refused {
			t.Errorf("%v: expected %d, got %d", wanted.Headers, wanted.Refused, status)
			continue
		}
		if err != nil {
			continue
		}
		left := time.Duration(-1)
		if wanted.Call.DeadlineMs != nil {
			left = time.Duration(*wanted.Call.DeadlineMs) * time.Millisecond
		}
		same := got.Saga == wanted.Call.Saga && got.Step == wanted.Call.Step && got.Phase == wanted.Call.Phase &&
			got.Attempt == wanted.Call.Attempt && got.Epoch == wanted.Call.Epoch && got.TimeLeft == left
		if !same {
			t.Errorf("%v: expected %+v, got %+v", wanted.Headers, wanted.Call, got)
		}
	}
}

func TestAHeaderThatCameTwiceIsNoNumber(t *testing.T) {
	headers := http.Header{}
	for name, value := range readCases[struct{ Headers map[string]string }](t, "call-headers.json")[0].Headers {
		headers.Set(name, value)
	}
	headers.Add("Makegood-Epoch", "7")
	if _, err := readCall(headers); statusOf(t, err) != 400 {
		t.Errorf("expected 400, got %v", err)
	}
}

func TestReadsBodiesAsTheProtocolSays(t *testing.T) {
	type one struct {
		Type, Body string
		Refused    *int
	}
	for _, wanted := range readCases[one](t, "bodies.json") {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(wanted.Body))
		request.Header.Set("Content-Type", wanted.Type)
		_, err := readBody(httptest.NewRecorder(), request)
		expected := 0
		if wanted.Refused != nil {
			expected = *wanted.Refused
		}
		if status := statusOf(t, err); status != expected {
			t.Errorf("%q as %s: expected %d, got %d", wanted.Body, wanted.Type, expected, status)
		}
	}
}
