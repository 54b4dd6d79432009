package barrier

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Call is which call a request is, as its headers say.
type Call struct {
	Saga  string
	Step  string
	Phase Phase
	// Epoch grows with every coordinator that takes the saga over; a lower one has been replaced.
	Epoch int64
	// Attempt is 1 for the first.
	Attempt int64
	// Key is equal on every attempt; hand it on to whomever you call.
	Key string
	// TimeLeft is how much the caller leaves; negative when it does not say.
	TimeLeft time.Duration
}

// refused is a request that is answered before anything was done.
type refused struct{ reply Reply }

func (err *refused) Error() string { return err.reply.Body }

func refuse(status int, code, format string, args ...any) error {
	return &refused{problem(status, code, fmt.Sprintf(format, args...))}
}

// Nothing that needs quoting in a URL, a header or a log is let in.
var (
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9_.~:@-]{1,200}$`)
	countPattern = regexp.MustCompile(`^[0-9]{1,15}$`)
)

// readCall reads the headers of a request. ../protocol/call-headers.json has what it takes and what it refuses.
func readCall(headers http.Header) (Call, error) {
	call := Call{Phase: Phase(single(headers, "Makegood-Phase")), Key: single(headers, "Idempotency-Key"), TimeLeft: -1}
	keyPhase := Action
	switch call.Phase {
	case Action, Status:
	case Compensation:
		keyPhase = Compensation
	default:
		return call, refuse(400, "bad-header", "expected Makegood-Phase to be action, compensation or status, got %.80q", call.Phase)
	}
	var err error
	if call.Saga, err = readName(headers, "Makegood-Saga"); err != nil {
		return call, err
	}
	if call.Step, err = readName(headers, "Makegood-Step"); err != nil {
		return call, err
	}
	if wanted := call.Saga + "/" + call.Step + "/" + string(keyPhase); call.Key != wanted {
		return call, refuse(400, "bad-header", "expected Idempotency-Key to be %q, got %.80q", wanted, call.Key)
	}
	if call.Epoch, err = readCount(headers, "Makegood-Epoch", 0); err != nil {
		return call, err
	}
	if call.Attempt, err = readCount(headers, "Makegood-Attempt", 1); err != nil {
		return call, err
	}
	if headers.Values("Makegood-Deadline") != nil {
		leftMs, err := readCount(headers, "Makegood-Deadline", 0)
		if err != nil {
			return call, err
		}
		call.TimeLeft = time.Duration(min(leftMs, int64(24*time.Hour/time.Millisecond))) * time.Millisecond
	}
	return call, nil
}

// single joins a header that was sent twice, as a proxy would; then it is neither a name nor a number.
func single(headers http.Header, name string) string {
	return strings.Join(headers.Values(name), ", ")
}

func readName(headers http.Header, name string) (string, error) {
	text := single(headers, name)
	if namePattern.MatchString(text) && text != "." && text != ".." {
		return text, nil
	}
	return "", refuse(400, "bad-header", "expected %s to be 1 to 200 of A-Z a-z 0-9 _ . ~ : @ -, got %.80q", name, text)
}

func readCount(headers http.Header, name string, least int64) (int64, error) {
	text := single(headers, name)
	if countPattern.MatchString(text) {
		if value, err := strconv.ParseInt(text, 10, 64); err == nil && value >= least {
			return value, nil
		}
	}
	return 0, refuse(400, "bad-header", "expected %s to be an integer of at least %d, got %.80q", name, least, text)
}

const (
	longestBody = 1 << 20
	deepestBody = 64
)

// readBody reads a body of JSON, at most 1 MiB of it, whatever Content-Length says.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	contentType := r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(contentType)
	isJSON := kind == "application/json" || (strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
	if err != nil || !isJSON {
		return nil, refuse(415, "not-json", "expected a body of application/json, got %.80q", contentType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, refuse(413, "too-large", "the body is longer than %d bytes", longestBody)
	}
	if err != nil {
		return nil, refuse(400, "unreadable", "the body broke off")
	}
	return body, checkJSON(body)
}

// checkJSON looks at the depth first: a parser that recurses must not be led deeper than that.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return refuse(400, "unreadable", "the body is not UTF-8")
	}
	if depthOf(body) > deepestBody {
		return refuse(422, "too-deep", "the body is nested deeper than %d", deepestBody)
	}
	if !json.Valid(body) {
		return refuse(400, "unreadable", "the body is not JSON")
	}
	return nil
}

// depthOf counts brackets outside of strings.
func depthOf(body []byte) int {
	depth, deepest, inString := 0, 0, false
	for at := 0; at < len(body); at++ {
		switch char := body[at]; {
		case char == '"':
			inString = !inString
		case inString && char == '\\':
			at++
		case inString:
		case char == '[' || char == '{':
			depth++
			deepest = max(deepest, depth)
		case char == ']' || char == '}':
			depth--
		}
	}
	return deepest
}

// given is what a body says: an action's is its input, a compensation's and a probe's is `{ input, output? }`.
type given struct {
	Input  json.RawMessage `json:"input"`
	Output json.RawMessage `json:"output"`
}

func readGiven(phase Phase, body []byte) (given, error) {
	if phase == Action {
		return given{Input: body}, nil
	}
	var said given
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) || json.Unmarshal(body, &said) != nil {
		return said, refuse(422, "invalid", "expected the body of a %s to be a JSON object", phase)
	}
	return said, nil
}
